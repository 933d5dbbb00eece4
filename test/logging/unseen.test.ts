import { expect, it } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';

it('what a terminal obeys or does not show is escaped in the log, which stays JSON', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', secrets: [] }, { write: (line) => void lines.push(line) });
  const path = '/a\u001b[2J\u009b\u007f\u202e\u2066\u200b\u2028é';
  logger.info({ path }, 'request');
  const [line = ''] = lines;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b\u2028\u202e\u2066]/);
  expect(line).toContain('é');
  expect(JSON.parse(line)).toMatchObject({ path });
});
