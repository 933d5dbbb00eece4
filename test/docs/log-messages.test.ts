import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../helpers/child-service.ts';
import { sentencesOfTheLog } from './source-messages.ts';

const page = readFileSync(path.join(ROOT, 'docs/troubleshooting.md'), 'utf8');
const plain = (text: string): string => text.replaceAll('`', '').replaceAll("\\'", "'");
/** The rows of the page's tables, by their first cell. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => plain(cell).trim()));

it('docs/troubleshooting.md has every warning and error of the log, with cause and fix', () => {
  const sentences = [...sentencesOfTheLog()];
  expect(sentences.length).toBeGreaterThan(60);
  const missing = sentences.filter(([sentence]) => {
    // What is put in differs: all fixed parts of a sentence stand in one cell.
    const parts = plain(sentence)
      .split('…')
      .map((part) => part.trim())
      .filter((part) => /\w/.test(part));
    return !rows.some(([, said = '', cause = '', fix = '']) => {
      return parts.every((part) => said.includes(part)) && cause !== '' && fix !== '';
    });
  });
  expect(missing).toEqual([]);
});
