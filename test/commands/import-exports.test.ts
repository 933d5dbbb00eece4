import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../helpers/service.ts';
import { numbersIn, runCommand } from './helper.ts';

const AT = 1_772_323_200;
/** What spreadsheets run, what looks like what keeps them from it, and what tears cells and lines. */
const TEXTS = [
  'Hello, "world"; it\'s me',
  'two\nlines, and\r\na third',
  ' spaces around ',
  '-12.50',
  "'-12.50",
  '42',
  'Crème brûlée — 東京 🏕️ مرحبا',
  '﻿a mark of byte order',
  '=1+1',
  "'=1+1",
  "''@SUM(A1)",
  "'quoted from the start",
  "'",
  '\t=1',
  '  =cmd|calc',
  '＝1+1',
  '-',
  '[1] a; [2] b',
  '',
];

const LOG = {
  ada: TEXTS.map((user, n) => ({
    user,
    bot: n % 4 === 3 ? null : `=answer ${user}`,
    timestamp: AT + n + 0.123456,
  })),
  '=bob': [
    {
      ...{
        user: 'Where is it?',
        bot: 'On its way. [1]',
        timestamp: AT + 100,
        id: 'of-bob',
        name: '@bob',
        verified: true,
      },
      usage: { input: 12, output: 3.5 },
      sources: [
        { n: 1, title: 'Parcels; and letters', url: 'https://shop.example/parcels?a=1' },
        { n: 2, title: 'Prices', place: 'Returns; page [3] of 4' },
      ],
      feedback: { rating: 'down', comment: '+1 "no"' },
      unanswered: true,
      run: {
        backend: 'responses',
        model: 'm',
        queuedMs: 1.5,
        firstWordMs: 200,
        totalMs: 900,
        tools: ['a', 'b'],
      },
    },
    { user: 'Gone', bot: 'Yes', timestamp: AT + 101, id: 'cleared', verified: true, cleared: true },
    { user: 'Stop', bot: '', timestamp: AT + 102, id: 'stopped', truncated: true },
    { user: 'Rude', bot: 'Let us talk.', timestamp: AT + 103, id: 'flagged', flagged: ['hate', 'violence'] },
    { user: 'Fail', bot: null, timestamp: AT + 104, id: 'failed', error: 'upstream_timeout' },
  ],
  anonymous: [
    { user: 'Hi', bot: 'Hello', timestamp: AT + 200, id: 'guest', session: 'session-1' },
    { user: 'Who?', bot: 'Nobody', timestamp: AT + 201, id: 'nobody' },
  ],
};

type Form = 'json' | 'jsonl' | 'csv';

/** All that a folder has, in a form. */
const exported = async (dir: string, form: Form): Promise<string> => {
  const { code, stdout, stderr } = await runCommand('export', ['--format', form, '--out', '-'], {
    env: { DATA_DIR: dir },
  });
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

/** A new folder, and what importing a file into it has said. */
const importedFrom = async (name: string, text: string, args: readonly string[] = []) => {
  const root = await temporaryFolder();
  const [file, dir] = [path.join(root, name), path.join(root, 'data')];
  await writeFile(file, text);
  return {
    dir,
    file,
    ...(await runCommand('import', [file, ...args], { env: { DATA_DIR: dir }, cwd: root })),
  };
};

const logOf = z.record(z.string(), z.array(z.looseObject({ timestamp: z.number() })));
/** A log with each list in the order of its times. */
const byTime = (log: unknown) =>
  Object.entries(logOf.parse(log))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, list]) => ({ name, list: list.toSorted((a, b) => a.timestamp - b.timestamp) }));

describe('import takes back what export wrote', () => {
  const exportAll = async (): Promise<Record<Form, string>> => {
    const dir = await temporaryFolder();
    await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(LOG));
    const [json, jsonl] = [await exported(dir, 'json'), await exported(dir, 'jsonl')];
    return { json, jsonl, csv: await exported(dir, 'csv') };
  };
  let made: Promise<Record<Form, string>> | undefined;
  const exports = (): Promise<Record<Form, string>> => {
    made ??= exportAll();
    return made;
  };

  test.each(['jsonl', 'csv'] as const)('as %s, with all that is in it', async (form) => {
    const all = await exports();
    const { dir, code, stderr, stdout } = await importedFrom(`exchanges.${form}`, all[form]);
    expect([code, stderr]).toEqual([0, '']);
    expect(numbersIn(stdout)).toMatchObject({ users: 3, exchanges: TEXTS.length + 7, new: TEXTS.length + 7 });
    expect(await exported(dir, form)).toBe(all[form]);
    const wanted: unknown = JSON.parse(all.json);
    expect(JSON.parse(await exported(dir, 'json'))).toEqual(wanted);
    const copy: unknown = JSON.parse(await readFile(path.join(dir, 'conversations.json'), 'utf8'));
    expect(byTime(copy)).toEqual(byTime(wanted));
  });

  test('a second time without another copy of anything', async () => {
    const { dir, file } = await importedFrom('exchanges.csv', (await exports()).csv);
    const again = await runCommand('import', [file], { env: { DATA_DIR: dir } });
    expect(numbersIn(again.stdout)).toMatchObject({ new: 0, 'already there': TEXTS.length + 7 });
  });

  test('as CSV that a spreadsheet has saved again: other quotes, separators and ends of lines, no mark', async () => {
    const csv = [
      'kind;visitor;time;message;answer;error',
      'user;ada;2026-03-01T00:00:00.000Z;\'=1+1;"two\nlines; and ""quotes""";',
      'user;ada;2026-03-01T00:00:01.000Z;Fail;;upstream_timeout',
    ].join('\n');
    const { dir } = await importedFrom('saved.csv', `${csv}\n`);
    const log: unknown = JSON.parse(await readFile(path.join(dir, 'conversations.json'), 'utf8'));
    expect(log).toMatchObject({
      ada: [
        { user: '=1+1', bot: 'two\nlines; and "quotes"', timestamp: AT },
        { user: 'Fail', bot: null, error: 'upstream_timeout', timestamp: AT + 1 },
      ],
    });
  });
});

describe('import says what is wrong with', () => {
  const line = (more: object) =>
    JSON.stringify({ visitor: { kind: 'user', id: 'ada' }, user: 'Hi', bot: 'Yes', ...more });

  test('a line that is no exchange, by its number, and leaves it out where it may', async () => {
    const lines = [line({ timestamp: AT }), '{"user": "cut', line({}), '', line({ timestamp: AT + 1 })].join(
      '\n',
    );
    const { code, stderr } = await importedFrom('lines.jsonl', lines);
    expect(code).toBe(1);
    expect(stderr).toContain('line 2, column 1: [1]: ');
    expect(stderr).toContain('line 3, column 1: [2].timestamp: ');
    const rest = await importedFrom('lines.jsonl', lines, ['--skip-invalid']);
    expect(numbersIn(rest.stdout)).toMatchObject({ new: 2, 'left out': 2 });
  });

  test('a row without a time, by its number in a spreadsheet', async () => {
    const csv =
      'visitor,time,message,answer\r\nada,2026-03-01T00:00:00Z,"two\nlines",Yes\r\nada,soon,Hi,Yes\r\n';
    const { code, stderr } = await importedFrom('rows.csv', csv);
    expect(code).toBe(1);
    expect(stderr).toContain('line 3, column 1: ');
    expect(stderr).toContain('timestamp');
  });

  test('a quote that is never closed', async () => {
    const csv = 'visitor,time,message,answer\r\nada,2026-03-01T00:00:00Z,"open,Yes\r\n';
    const { code, stderr } = await importedFrom('open.csv', csv);
    expect(code).toBe(1);
    expect(stderr).toMatch(/open\.csv cannot be imported: .*quote/i);
  });
});
