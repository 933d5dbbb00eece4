import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../helpers/child-service.ts';

/** What the source says to operators, found in its text. */

const SOURCES = globSync('src/**/*.ts', { cwd: ROOT, exclude: (name) => name.includes('src/widget') });

/** The calls that warn: of the logger, and those that collect sentences for it. */
const CALLS = /\b(?:logger\.(?:warn|error|fatal)|advice|warnings\.push|notes\.push|dropped\.push)\(/g;

/** The source from an opening parenthesis to the one that closes it. */
const argumentsAt = (text: string, start: number): string => {
  let depth = 0;
  let quote = '';
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quote !== '') {
      if (char === '\\') at++;
      else if (char === quote) quote = '';
      continue;
    }
    if (/['"`]/.test(char)) quote = char;
    else if (char === '(') depth++;
    else if (char === ')' && --depth === 0) return text.slice(start + 1, at);
  }
  throw new Error('a call without an end');
};

/** The last text of the call, with `…` for what is put in; undefined where it is no literal. */
const sentenceIn = (args: string): string | undefined => {
  const literal = /(?:^|[\s,(])(?:'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`|"((?:[^"\\]|\\.)*)")\s*,?\s*$/.exec(
    args,
  );
  const text = literal?.[1] ?? literal?.[2] ?? literal?.[3];
  return text?.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…').replaceAll('\\', '');
};

/** Every sentence that a warning or an error of the log can be, by where it is in the source. */
export const sentencesOfTheLog = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const file of SOURCES) {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    for (const call of text.matchAll(CALLS)) {
      const sentence = sentenceIn(argumentsAt(text, call.index + call[0].length - 1));
      if (sentence !== undefined) found.set(sentence, file);
    }
  }
  return found;
};
