import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCommand } from '../commands/helper.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { exportMany } from './big-export.ts';
import { startOps } from './helper.ts';

/** Texts as they are: a spreadsheet takes nothing in them for its own. */
const PLAIN = [
  'Hello, "world"; it\'s me',
  'two\nlines, and\r\na third',
  'a\u2028b\u0085c',
  '"',
  'Crème brûlée — 東京 🏕️ مرحبا',
  "'quoted from the start",
  '-12.50',
  '42',
  '﻿a mark of byte order'.slice(1),
];
/** Texts that a spreadsheet would run. */
const FORMULAS = [
  '=1+1',
  '=HYPERLINK("https://evil.example","here")',
  '+49 30 1234',
  '-2+3',
  '@SUM(A1)',
  '  =cmd|calc',
  '\t=1',
  '＝1+1',
  '-',
];

const exchangesOf = (texts: readonly string[]) =>
  texts.map((user, n) => ({
    user,
    bot: n % 4 === 3 ? null : `=answer ${user}`,
    timestamp: 1_772_323_200.5 + n,
  }));

/** A service whose log has these. */
const startWith = async (log: Record<string, object[]>) => {
  const dir = await temporaryFolder();
  await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(log));
  return startOps({ DATA_DIR: dir });
};

const csvRows = (text: string) =>
  z.array(z.record(z.string(), z.string())).parse(parse(text, { columns: true, bom: true }));

describe('an export as CSV', () => {
  it('gives a spreadsheet every text as it was, and no formula', async () => {
    const texts = [...PLAIN, ...FORMULAS];
    const { get } = await startWith({ ada: exchangesOf(texts) });
    const answer = await get('/api/ops/export?format=csv');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const bytes = new Uint8Array(await answer.arrayBuffer());
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const rows = csvRows(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    // What a visitor sends is trimmed; what an older log has is not.
    expect(rows.map(({ message }) => message)).toEqual([...PLAIN, ...FORMULAS.map((text) => `'${text}`)]);
    expect(rows.map(({ time }) => time)).toEqual(
      texts.map((_, n) => new Date((1_772_323_200.5 + n) * 1000).toISOString()),
    );
    for (const row of rows)
      for (const cell of Object.values(row)) {
        expect(cell).not.toMatch(/^[\s\ufeff]*[=+@\uff1d]/);
        expect(cell).not.toMatch(/^-(?!\d+(\.\d+)?$)/);
      }
    expect(rows.every(({ visitor, kind }) => visitor === 'ada' && kind === 'user')).toBe(true);
  });

  it('takes the filters of the page, and is there on the page', async () => {
    const { get } = await startWith({ ada: exchangesOf(['apples', 'pears']), bob: exchangesOf(['apples']) });
    const messages = async (route: string) =>
      csvRows(await (await get(route)).text()).map(({ visitor, message }) => `${visitor}: ${message}`);
    expect(await messages('/api/ops/export?format=csv&q=apples')).toEqual(['ada: apples', 'bob: apples']);
    expect(await messages('/ops/export?format=csv&q=pears')).toEqual(['ada: pears']);
    expect(await messages('/api/ops/export?format=csv&who=bob')).toEqual(['bob: apples']);
    expect(await messages('/api/ops/export?format=csv&from=2026-03-02')).toEqual([]);
  });
});

describe('an export as JSON', () => {
  it('goes through an import and comes out the same', async () => {
    const { get, service } = await startWith({
      ada: exchangesOf(PLAIN),
      __proto__x: exchangesOf(FORMULAS),
      anonymous: exchangesOf(['nobody’s']),
    });
    await service.post({ message: 'Hello' });
    const { body } = await service.post({ user_id: 'bob', message: 'Where is my parcel?' });
    await fetch(`${service.url}/api/feedback`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: body.id, rating: 'down', comment: 'no, "that" is\nwrong' }),
    });
    const exported: unknown = await (await get('/api/ops/export')).json();
    const root = await temporaryFolder();
    const file = path.join(root, 'exported.json');
    await writeFile(file, JSON.stringify(exported));
    const env = { DATA_DIR: path.join(root, 'data') };
    expect((await runCommand('import', [file], { env, cwd: root })).code).toBe(0);
    const again = path.join(root, 'again.json');
    const args = ['--format', 'json', '--out', again];
    expect((await runCommand('export', args, { env, cwd: root })).code).toBe(0);
    expect(JSON.parse(await readFile(again, 'utf8'))).toEqual(exported);
  });

  it('has the same exchanges by line, which an import takes as a list', async () => {
    const { get } = await startWith({ ada: exchangesOf([...PLAIN, ...FORMULAS]) });
    const answer = await get('/api/ops/export?format=jsonl');
    const line = z.object({
      id: z.string(),
      visitor: z.object({ id: z.string() }),
      user: z.string(),
      bot: z.string().nullable(),
      timestamp: z.number(),
    });
    const lines = (await answer.text())
      .trimEnd()
      .split('\n')
      .map((text) => line.parse(JSON.parse(text)));
    expect(lines.map(({ user }) => user)).toEqual([...PLAIN, ...FORMULAS]);
    const root = await temporaryFolder();
    const file = path.join(root, 'list.json');
    await writeFile(
      file,
      JSON.stringify(lines.map(({ visitor, ...rest }) => ({ user_id: visitor.id, ...rest }))),
    );
    const env = { DATA_DIR: path.join(root, 'data') };
    expect((await runCommand('import', [file], { env, cwd: root })).code).toBe(0);
    const out = await runCommand('export', ['--format', 'jsonl', '--out', '-'], { env, cwd: root });
    const back = out.stdout
      .trimEnd()
      .split('\n')
      .map((text) => line.parse(JSON.parse(text)));
    expect(back).toEqual(lines);
  });
});

describe('npm run export', () => {
  it('takes days of TZ, from the start of the first to the end of the last', async () => {
    const root = await temporaryFolder();
    const at = (time: string) => Date.parse(time) / 1000;
    const log = {
      ada: [
        '2026-03-01T22:59:59Z',
        '2026-03-01T23:00:00Z',
        '2026-03-02T22:59:59Z',
        '2026-03-02T23:00:00Z',
      ].map((time) => ({ user: time, bot: 'Hello', timestamp: at(time) })),
    };
    await writeFile(path.join(root, 'conversations.json'), JSON.stringify(log));
    const { stdout, code } = await runCommand(
      'export',
      ['--since', '2026-03-02', '--until', '2026-03-02', '--format', 'csv', '--out', '-'],
      { env: { DATA_DIR: root, TZ: 'Europe/Berlin' }, cwd: root },
    );
    expect(code).toBe(0);
    expect(csvRows(stdout).map(({ message }) => message)).toEqual([
      '2026-03-01T23:00:00Z',
      '2026-03-02T22:59:59Z',
    ]);
  });

  it('needs less memory than what it writes', () => exportMany(40_000), 180_000);
});
