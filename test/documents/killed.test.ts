import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import postgres from 'postgres';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DocumentIndex } from '../../src/documents/index/index-port.ts';
import { openDocumentIndex } from '../../src/open-documents.ts';
import { runMain } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { withOurTables } from '../helpers/new-database.ts';
import { startDatabases } from '../helpers/postgres.ts';
import { startEmulator, temporaryFolder } from '../helpers/service.ts';
import { memoryLogger } from '../stores/sqlite/helper.ts';

const databases = await startDatabases();
afterAll(() => databases.dispose());

const FILES = 4;
const SECTIONS = 20;
/** The write that is cut off: somewhere in the middle of one. */
const PASSAGES = 'document_passages';
const VECTORS = 'document_vectors';

/** Where an index is kept, and how to make a write of it wait in the middle. */
interface Place {
  readonly env: Record<string, string>;
  open(): Promise<DocumentIndex>;
  /** From now on the row of this number is not written before `release`. */
  hold(table: string, row: number): Promise<void>;
  /** Whether a writer waits there. @param passages How many there are at least by then. */
  isHeld(passages: number): Promise<boolean>;
  release(): Promise<void>;
}

const sqlite = async (): Promise<Place> => {
  const dir = await temporaryFolder();
  const db = () => new DatabaseSync(path.join(dir, 'documents.db'), { timeout: 0 });
  return {
    env: { DATA_DIR: dir },
    open: () => openDocumentIndex({ dir, logger: memoryLogger() }),
    hold: async (table, row) => {
      const own = db();
      // Counts to a number that takes hours.
      own.exec(`create trigger hold before insert on ${table}
        when (select count(*) from ${table}) = ${row} begin
        select count(*) from (with recursive n(i) as (select 1 union all select i + 1 from n where i < 1e12)
          select i from n); end`);
      own.close();
    },
    isHeld: async (passages) => {
      const own = db();
      try {
        const row = own.prepare('select count(*) as count from document_passages').get();
        if (Number(row?.count) < passages) return false;
        own.exec('begin immediate; rollback');
        return false;
      } catch {
        return true;
      } finally {
        own.close();
      }
    },
    release: async () => {
      const own = db();
      own.exec('drop trigger hold');
      own.close();
    },
  };
};

const inPostgres = async (): Promise<Place> => {
  const url = await databases.newDatabase();
  const sql = postgres(withOurTables(url), { max: 1, onnotice: () => undefined });
  onTestFinished(() => sql.end());
  const held = () =>
    sql`select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
  return {
    env: { DATA_DIR: await temporaryFolder(), DATABASE_URL: url, SESSION_SECRET: 's'.repeat(32) },
    open: () => openDocumentIndex({ url, logger: memoryLogger() }),
    hold: async (table, row) => {
      await sql.unsafe(`create function hold() returns trigger language plpgsql as $$ begin
          if (select count(*) from tp_${table}) = ${row} then perform pg_sleep(3600); end if; return new; end $$;
        create trigger hold before insert on tp_${table} for each row execute function hold()`);
    },
    isHeld: async () => (await held()).length > 0,
    release: async () => {
      // The server learns that its caller is gone only when it is done.
      await sql`select pg_terminate_backend(pid) from (${held()}) one`;
      await until(async () => (await held()).length === 0, 'the write is given up');
      await sql`drop function hold cascade`;
    },
  };
};

const write = async (folder: string, file: number): Promise<void> => {
  const sections = Array.from(
    { length: SECTIONS },
    (_, n) => `## Section ${n}\n\n${`word${file}x${n} `.repeat(150)}`,
  );
  await writeFile(path.join(folder, `${file}.md`), `# Page ${file}\n\n${sections.join('\n\n')}`);
};

/** Two starts of the service. */
const TIMEOUT_MS = 120_000;

describe.each([
  ['SQLite', sqlite],
  ['Postgres', inPostgres],
])('a service that is killed while it indexes, on %s', (_, openPlace) => {
  /** Starts with a write that waits in the middle, kills it there, and starts again. */
  const cutOff = async (
    { table, row, passages }: { table: string; row: number; passages: number },
    check: (index: DocumentIndex) => Promise<void>,
  ) => {
    const place = await openPlace();
    await (await place.open()).close();
    const emulator = await startEmulator();
    const folder = path.join(await temporaryFolder(), 'documents');
    await mkdir(folder);
    for (let file = 0; file < FILES; file += 1) await write(folder, file);
    const env = {
      ...place.env,
      PORT: '0',
      HOST: '127.0.0.1',
      DOCUMENTS_DIR: folder,
      EMBEDDING_MODEL: 'm',
      EMBEDDING_BASE_URL: emulator.url,
    };
    await place.hold(table, row);
    const first = await runMain(env);
    // A short write may be seen as well; one that waits is seen each time.
    let seen = 0;
    await until(
      async () => {
        seen = (await place.isHeld(passages)) ? seen + 1 : 0;
        return seen > 100;
      },
      `a write that waits; the log: ${first.stderr()}`,
      60_000,
    );
    first.kill('SIGKILL');
    await first.ended;
    await place.release();
    const between = await place.open();
    await check(between);
    await between.close();

    const second = await runMain(env);
    await until(
      () => second.lines().some(({ msg }) => msg === 'the folder of documents was read'),
      'the folder is read',
      30_000,
    );
    const index = await place.open();
    onTestFinished(() => index.close());
    await until(
      async () => (await index.models())[0]?.vectors === FILES * SECTIONS,
      'all passages have vectors',
      30_000,
    );
    expect((await index.sources()).map(({ passages }) => passages)).toEqual(
      Array.from({ length: FILES }, () => SECTIONS),
    );
    const { total, hits } = await index.byWords([{ forms: ['word1x7'] }], 10);
    expect([total, hits.length]).toEqual([FILES * SECTIONS, 1]);
    const vectors = await index.vectors('m', 0, 1_000);
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
    expect(vectors).toHaveLength(FILES * SECTIONS);
  };

  it(
    'amid a document has none of it, and then all of it once',
    async () => {
      await cutOff({ table: PASSAGES, row: 2 * SECTIONS + 7, passages: 2 * SECTIONS }, async (index) => {
        expect((await index.sources()).map(({ passages }) => passages)).toEqual([SECTIONS, SECTIONS]);
        expect((await index.byWords([{ forms: ['word2x1'] }], 10)).hits).toEqual([]);
      });
    },
    TIMEOUT_MS,
  );

  it(
    'amid the vectors of some passages has none of them, and then all of them once',
    async () => {
      await cutOff({ table: VECTORS, row: 5, passages: FILES * SECTIONS }, async (index) => {
        expect(await index.models()).toEqual([]);
      });
    },
    TIMEOUT_MS,
  );
});
