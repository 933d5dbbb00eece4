import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { startChildService } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { exchange, user } from '../helpers/exchanges.ts';
import { idsInDatabase, idsOnDisk, openStore } from '../stores/sqlite/helper.ts';
import { numbersIn, older, placeFor, runCommand, startCommand } from './helper.ts';

const good = JSON.stringify(older('a', 1));

describe('import refuses', () => {
  test.each([
    ['a file that is cut off', `{"a":[${good},\n{"user":"a","bo`, 'line 2, column 16: it ends too early'],
    ['a broken exchange', `{"a": [\n  ${good},\n  {"user": "x", bot: 1}]}`, 'line 3, column 17'],
    ['a broken exchange after other letters', `{"a":[{"user":"漢字","bot":nil}]}`, 'line 1, column 30'],
    ['Python’s NaN', `{"a":[{"user":"a","bot":"b","timestamp":NaN}]}`, 'line 1, column 41'],
    ['what follows the end', `{"a":[${good}]}\n\n}`, 'line 3, column 1: expected nothing more'],
    ['what is neither an object nor a list', '7', 'line 1, column 1: expected "{" or "["'],
    ['a list of something else', `[${good}]`, 'line 1, column 2: [0]: expected a "user_id"'],
    ['an empty file', '', 'line 1, column 1: it ends too early'],
    ['what is not UTF-8', Buffer.from('{"a":[{"user":"\xff"}]}', 'latin1'), 'it is not UTF-8'],
    ['a user without a list', '{"a":{"user":"x"}}', '"a": expected a list of exchanges'],
    ['an exchange that is none', `{"a":[${good},\n 7]}`, 'line 2, column 2: "a"[1]: '],
    [
      'an exchange without its time, in a file of one line',
      '{"a":[{"user":"x","bot":"y"}]}',
      'line 1, column 7: "a"[0].timestamp: ',
    ],
    [
      'several faults of all kinds at once',
      `{"a":[${good},\n{"user": x},\n{"user":1,"bot":"b","timestamp":1},\n"cut`,
      /line 2, column 10: the exchange "a"\[1\] is not valid JSON\n.*line 3, column 1: "a"\[2\]\.user: .*\n.*line 4, column \d+: it ends too early/,
    ],
    [
      'an exchange that is nested too deeply',
      `{"a":[{"user":"x","bot":"y","timestamp":1,"z":${'['.repeat(1e5)}${']'.repeat(1e5)}}]}`,
      'nested too deeply',
    ],
  ])('%s, with the place, and writes nothing', async (_what, text, fault) => {
    const place = await placeFor(text);
    const { code, stdout, stderr } = await place.run();
    if (typeof fault === 'string') expect(stderr).toContain(fault);
    else expect(stderr).toMatch(fault);
    expect(stderr).toContain(place.file);
    expect([code, stdout]).toEqual([1, '']);
    expect(await readdir(place.root)).toEqual(['older.json']);
  });

  test('a log with many faults, of which it lists twenty', async () => {
    const bad = Array.from({ length: 30 }, () => ({ user: 1, bot: 'b', timestamp: 'now' }));
    const { code, stderr } = await (await placeFor({ a: [older('x', 1), ...bad] })).run();
    expect(code).toBe(1);
    expect(stderr.match(/^ {2}line 1, column \d+: "a"\[\d+\]\.(user|timestamp): /gm)).toHaveLength(20);
    expect(stderr).toContain('"a"[10].timestamp: ');
    expect(stderr).toContain('… and 40 more');
  });

  test('a fault that stands far in a large file, and leaves the store as it was', async () => {
    const many = Array.from({ length: 9000 }, (_, i) => JSON.stringify(older('x'.repeat(200), i))).join(
      ',\n',
    );
    const place = await placeFor(`{"a":[${many},\n{"user":]}`);
    const store = await openStore(place.dir);
    await store.finish(exchange(user('bob')));
    await store.close();
    const state = async () => [
      await readFile(path.join(place.dir, 'conversations.json'), 'utf8'),
      idsInDatabase(place.dir),
    ];
    const before = await state();
    const { code, stderr } = await place.run();
    expect(code).toBe(1);
    expect(stderr).toContain('line 9001, column 9');
    expect(await state()).toEqual(before);
  });

  test('a quote that was left open, without reading all of the rest into memory', async () => {
    const { code, stderr } = await (await placeFor(`{"a":[{"user":"${'x'.repeat(20e6)}`)).run();
    expect(code).toBe(1);
    expect(stderr).toContain('line 1, column 7: what begins here is longer than');
  });

  test('to run beside the service, and says what to do', async () => {
    const place = await placeFor({ a: [older('x', 1)] });
    await startChildService({ DATA_DIR: place.dir });
    for (const args of [[], ['--dry-run']]) {
      const { code, stderr } = await place.run(args);
      expect(code).toBe(1);
      expect(stderr).toContain(
        `The data folder ${place.dir} is in use by another process. Stop the service first`,
      );
    }
  });

  test('a file that is not there, a folder, and a setting that is no good', async () => {
    const place = await placeFor({});
    const missing = await runCommand('import', ['nothing.json'], { cwd: place.root });
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('there is no such file')]);
    const folder = await runCommand('import', ['.'], { cwd: place.root });
    expect([folder.code, folder.stderr]).toEqual([1, expect.stringContaining('it is not a file')]);
    const setting = await place.run([], { LOG_MAX_MB: 'much' });
    expect([setting.code, setting.stderr]).toEqual([1, expect.stringContaining('LOG_MAX_MB')]);
  });

  test.each([
    ['no file', []],
    ['two files', ['a.json', 'b.json']],
    ['an option that is none', ['a.json', '--fast']],
  ])('%s, with its usage', async (_what, args) => {
    const { code, stderr } = await runCommand('import', args);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: npm run import');
  });

  test('nothing when it is asked for help', async () => {
    const { code, stdout } = await runCommand('import', ['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('--dry-run');
  });
});

describe('an import that does not come to its end', () => {
  const bot = 'x'.repeat(1000);
  const EACH = 40;
  const COUNT = 300 * EACH;
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, u) => [
      `user-${u}`,
      Array.from({ length: EACH }, (_, i) => older(`${u}-${i}`, 1.7e9 + u + 1000 * i, { bot })),
    ]),
  );

  test.each(['SIGINT', 'SIGKILL'] as const)(
    'through %s keeps what was written, and a second run completes it',
    async (signal) => {
      const place = await placeFor(many);
      const child = await startCommand('import', [place.file], {
        env: { DATA_DIR: place.dir },
        cwd: place.root,
      });
      const there = (): number => {
        try {
          return idsInDatabase(place.dir).length;
        } catch {
          return 0;
        }
      };
      await until(async () => there() > 100, 'the first exchanges in the database', 15_000);
      child.kill(signal);
      const [code] = await child.ended;
      expect(code).toBe(signal === 'SIGINT' ? 130 : null);
      if (signal === 'SIGINT') expect(child.stderr()).toContain('run the import again to complete it');
      expect(there()).toBeGreaterThan(100);
      expect(there()).toBeLessThan(COUNT);
      const { stdout } = await place.run();
      const numbers = numbersIn(stdout);
      expect(numbers.new).toBeLessThan(COUNT);
      expect((numbers.new ?? 0) + (numbers['already there'] ?? 0)).toBe(COUNT);
      const { live } = await idsOnDisk(place.dir);
      expect([live.length, new Set(live).size]).toEqual([COUNT, COUNT]);
      expect(await place.log()).toMatchObject(many);
    },
  );

  test('for want of room says so, and a second run completes it', async () => {
    const place = await placeFor(many);
    // In units of 512 bytes: no file may become larger.
    const limited = { env: { DATA_DIR: place.dir }, cwd: place.root, limit: 'ulimit -f 8192' };
    const { code, stderr } = await runCommand('import', [place.file], limited);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot be written: (disk I\/O error|database or disk is full)/);
    expect(stderr).toContain('run the import again');
    expect((await place.run()).code).toBe(0);
    const { live } = await idsOnDisk(place.dir);
    expect([live.length, new Set(live).size]).toEqual([COUNT, COUNT]);
  });
});
