import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logging/logger.ts';
import { createPaint, createPrettyOutput, prettyLine } from '../../src/logging/pretty.ts';

const plain = createPaint(false);

/** What the terminal shows of an event. */
const printed = (level: 'info' | 'warn' | 'error', fields: object, msg: string): string => {
  const lines: string[] = [];
  const output = createPrettyOutput({ write: (line) => void lines.push(line) }, plain);
  createLogger({ level: 'info', secrets: ['a-secret-value'] }, output)[level](fields, msg);
  return lines.join('');
};

describe('a line of the log for people', () => {
  it('tells of a request in the order in which one reads it', () => {
    const fields = { request_id: '9a7d2b8e', method: 'POST', path: '/api/chat', status: 200, ms: 1_234 };
    expect(printed('info', fields, 'request')).toMatch(
      /^\d\d:\d\d:\d\d • POST \/api\/chat {2}200 {2}1\.2 s\n$/,
    );
  });

  it('names the request that failed, for a visitor quotes it', () => {
    const fields = { request_id: '9a7d2b8e', method: 'POST', path: '/api/chat', status: 502, ms: 20 };
    expect(printed('info', fields, 'request')).toContain('502  20 ms  request 9a7d2b8e');
  });

  it('is one line also for an error with its causes and the place in our code', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const err = new Error('no\nanswer', { cause });
    err.stack = `Error: no answer\n    at ask (file:///srv/chat/src/backends/client.ts:12:7)`;
    const line = printed('error', { err }, 'turn failed');
    expect(line).toMatch(/^[^\n]+\n$/);
    expect(line).toContain('✖ turn failed');
    expect(line).toContain(
      'no\\u000aanswer ← connect ECONNREFUSED (ECONNREFUSED), at src/backends/client.ts:12:7',
    );
  });

  it('cannot command the terminal, and holds no secret', () => {
    const line = printed(
      'warn',
      { path: '\u001b[31m\u009b2J\u202e', key: 'a-secret-value' },
      'odd \u001b]0;x\u0007',
    );
    expect(stripVTControlCharacters(line)).toBe(line);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(line).toContain('key [secret]');
  });

  it('is coloured on a terminal only', () => {
    const json = '{"level":"warn","time":"2026-01-01T00:00:00.000Z","msg":"careful"}\n';
    const coloured = prettyLine(json, createPaint(true));
    expect(coloured).toContain('\u001b[');
    expect(stripVTControlCharacters(coloured)).toBe(prettyLine(json, plain));
  });

  it('stays as it is where it is no line of ours', () => {
    expect(prettyLine('not JSON\n', plain)).toBe('not JSON\n');
  });
});
