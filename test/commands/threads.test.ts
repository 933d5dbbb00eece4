import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import { user } from '../helpers/exchanges.ts';
import { startEmulator, startService, upstreamEnv } from '../helpers/service.ts';
import { openStore } from '../stores/sqlite/helper.ts';
import { numbersIn, older, placeFor } from './helper.ts';

/** Yesterday: a thread that was idle longer than THREAD_IDLE is rebuilt from the transcript. */
const RECENT = Date.now() / 1000 - 86_400;
const LOG = { alice: [older('Hello!', RECENT)], bob: [older('Hi!', RECENT)] };

const placeWith = async (map: unknown) => {
  const place = await placeFor(LOG);
  await place.put(typeof map === 'string' ? map : JSON.stringify(map), 'threads.json');
  const run = (env: Record<string, string>, ...more: string[]) =>
    place.run(['--threads', `${place.root}/threads.json`, ...more], env);
  return { ...place, run };
};

describe('import --threads', () => {
  test('lets a visitor go on in the thread that the older system had', async () => {
    const emulator = await startEmulator();
    const env = upstreamEnv(emulator, 'assistants');
    const client = new OpenAI({ baseURL: emulator.url, apiKey: 'any' });
    const thread = await client.beta.threads.create();
    const place = await placeWith({ alice: thread.id, nobody: 'thread_other', anonymous: 'thread_shared' });
    for (const [taken, known] of [
      [2, 0],
      [0, 2],
    ]) {
      const planned = numbersIn((await place.run(env, '--dry-run')).stdout);
      const { code, stdout } = await place.run(env);
      expect(code).toBe(0);
      expect(numbersIn(stdout)).toMatchObject({ threads: taken, 'of no one': 1 });
      expect([planned.threads, planned.exchanges]).toEqual([taken, 2]);
      expect(stdout).toMatch(new RegExp(`threads +${taken}\\n +already there +${known}\\n`));
    }
    const service = await startService({ ...env, DATA_DIR: place.dir });
    expect((await service.post({ user_id: 'alice', message: 'Do you remember?' })).status).toBe(200);
    expect(emulator.requests.map(({ path }) => path).join()).toContain(thread.id);
  });

  test('leaves the thread alone that the service has for a visitor already', async () => {
    const emulator = await startEmulator();
    const place = await placeWith({ alice: 'thread_old', bob: 'thread_bob' });
    const before = await openStore(place.dir);
    before.setThread(user('alice'), { id: 'thread_new', madeBy: 'the service' });
    await before.close();
    const { stdout } = await place.run(upstreamEnv(emulator, 'assistants'));
    expect(stdout).toMatch(/threads +1\n +already there +1\n/);
    const store = await openStore(place.dir);
    expect(await store.thread(user('alice'))).toEqual({ id: 'thread_new', madeBy: 'the service' });
    expect(await store.thread(user('bob'))).toMatchObject({ id: 'thread_bob' });
    expect(await store.thread(user('anonymous'))).toBeUndefined();
  });

  test('says that threads are not used where the backend is another one', async () => {
    const place = await placeWith({ alice: 'thread_old' });
    const { code, stdout } = await place.run({});
    expect(code).toBe(0);
    expect(numbersIn(stdout)).toMatchObject({ new: 2, threads: 0, 'not used': 1 });
    expect(stdout).toContain('BACKEND is not assistants');
  });

  test.each([
    ['what is no map', '["thread_a"]', 'it is not an object'],
    ['what is no JSON', '{"alice": "thread_a",\n}', 'line 2, column 1'],
    ['what is no thread', '{"alice": "asst_a", "bob": null}', '"alice": expected the id of a thread'],
    ['an id that is too long', `{"bob": "thread_${'x'.repeat(122)}"}`, '"bob": expected'],
  ])('refuses %s, and writes nothing', async (_what, map, fault) => {
    const place = await placeWith(map);
    const { code, stderr } = await place.run({});
    expect([code, stderr]).toEqual([1, expect.stringContaining(fault)]);
    await expect(place.log()).rejects.toThrow('ENOENT');
  });

  test('refuses settings with which the service would not start', async () => {
    const place = await placeWith({ alice: 'thread_old' });
    const { code, stderr } = await place.run({
      BACKEND: 'assistants',
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining('OPENAI_ASSISTANT_ID')]);
  });
});
