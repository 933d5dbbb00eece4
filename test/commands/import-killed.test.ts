import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openReadable } from '../../src/sqlite/connection.ts';
import { pathsIn } from '../../src/stores/sqlite/open-database.ts';
import { type ChildService, runMain, startChildService } from '../helpers/child-service.ts';
import { withOurTables } from '../helpers/new-database.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { startEmulator, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { eventually } from '../stores/sqlite/helper.ts';
import { placeFor, startCommand } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const VISITORS = 300;
const EACH = 30;
const SITE_KEY = 'a-site-key-of-the-test-0123456789abcdef';
const SECRET = 'what only the verified visitor may read';

/** Everybody spoke on trust first and was verified later: some of each stand on either side of any cut. */
const log = (visitors = VISITORS): string =>
  JSON.stringify(
    Object.fromEntries(
      Array.from({ length: visitors }, (_, visitor) => [
        `visitor-${visitor}`,
        Array.from({ length: EACH }, (__, n) => ({
          user: n < EACH / 2 ? `Said on trust ${n}` : `${SECRET} ${n}`,
          bot: 'x'.repeat(400),
          timestamp: Date.now() / 1000 - 86_400 + n,
          id: `${visitor}-${n}`,
          ...(n >= EACH / 2 && { verified: true }),
        })),
      ]),
    ),
  );

/** Ids of users of whom the store holds what was said verified, in the order of the log. */
type ReadVerified = () => Promise<string[]>;

const inFolder =
  (dir: string): ReadVerified =>
  async () => {
    const { database } = pathsIn(dir);
    if (!existsSync(database)) return [];
    const db = openReadable(database);
    try {
      return db
        .all("SELECT key FROM visitors WHERE key LIKE 'v:%' ORDER BY ref")
        .map(({ key }) => String(key).slice(2));
    } catch {
      // The tables are being made.
      return [];
    } finally {
      db.close();
    }
  };

const inDatabase =
  (url: string): ReadVerified =>
  async () => {
    const sql = postgres(withOurTables(url), { max: 1, onnotice: () => undefined });
    try {
      const rows = await sql`
        select visitor from tp_exchanges where visitor like 'v:%' group by visitor order by min(seq)`;
      return rows.map(({ visitor }) => String(visitor).slice(2));
    } catch {
      return [];
    } finally {
      await sql.end();
    }
  };

/** Asks as each of the users without proof, by history and by a message; none may be told anything. */
const expectProofIsNeeded = async ({ post, get }: ChildService, users: readonly string[]) => {
  for (const user_id of users) {
    expect(await post({ user_id, message: 'What did I say?' })).toMatchObject({
      ...{ status: 401, body: { error: { code: 'session_required' } } },
    });
    expect((await get(`/api/history?user_id=${user_id}`)).status).toBe(401);
    // Other clients' forms read history, too.
    const n8n = await get(`/webhook/any/chat?action=loadPreviousSession&sessionId=${user_id}`);
    expect(JSON.stringify(n8n.body)).not.toContain(SECRET);
  }
};

describe('an import that is killed in the middle', () => {
  test.each([
    [
      'on SQLite',
      async () => {
        const DATA_DIR = path.join(await temporaryFolder(), 'data');
        return { env: { DATA_DIR }, verified: inFolder(DATA_DIR) };
      },
    ],
    [
      'on Postgres',
      async () => {
        const DATABASE_URL = await databases.newDatabase();
        const env = { DATABASE_URL, SESSION_SECRET: 'a-secret-of-the-test-0123456789abcdef' };
        return { env, verified: inDatabase(DATABASE_URL) };
      },
    ],
  ])(
    'tells nobody without proof what is verified: %s',
    async (_, storeOf) => {
      const emulator = await startEmulator();
      const { env, verified } = await storeOf();
      const place = await placeFor(log());
      const child = await startCommand('import', [place.file], { env });
      await eventually(async () => (await verified()).length > 0, 30_000);
      child.kill('SIGKILL');
      expect(await child.ended).toEqual([null, 'SIGKILL']);
      const known = await verified();
      expect(known.length).toBeGreaterThan(0);
      expect(known.length).toBeLessThan(VISITORS);

      const service = await startChildService({
        ...{ ...env, ...upstreamEnv(emulator, 'completions'), SITE_KEYS: SITE_KEY, RATE_LIMIT: 'off' },
      });
      // The last ones are those at which it was cut.
      await expectProofIsNeeded(service, [...known.slice(0, 3), ...known.slice(-10)]);
      expect(JSON.stringify(emulator.requests)).not.toContain(SECRET);
      // A test that asked nothing could not fail: whoever has proof is told.
      const proven = { Authorization: `Bearer ${SITE_KEY}` };
      const user_id = known.at(0);
      expect((await service.post({ user_id, message: 'And I?' }, proven)).status).toBe(200);
      expect(JSON.stringify(emulator.requests)).toContain(SECRET);
    },
    60_000,
  );

  test('tells nobody without proof what is verified: the first start on a folder of an older form', async () => {
    const emulator = await startEmulator();
    const DATA_DIR = path.join(await temporaryFolder(), 'data');
    await mkdir(DATA_DIR);
    await writeFile(pathsIn(DATA_DIR).log, log(60));
    const env = { ...upstreamEnv(emulator, 'completions'), DATA_DIR, PORT: '0', HOST: '127.0.0.1' };
    const child = await runMain(env);
    await eventually(() => existsSync(`${pathsIn(DATA_DIR).database}.importing`), 30_000);
    child.kill('SIGKILL');
    expect(await child.ended).toEqual([null, 'SIGKILL']);
    expect(existsSync(pathsIn(DATA_DIR).database)).toBe(false);

    const service = await startChildService(env);
    const known = await inFolder(DATA_DIR)();
    expect(known).toHaveLength(60);
    await expectProofIsNeeded(service, known.slice(-8));
    expect(JSON.stringify(emulator.requests)).not.toContain(SECRET);
  }, 60_000);
});
