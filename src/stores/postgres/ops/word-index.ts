import { z } from 'zod';
import type { Logger } from '../../../chat/ports.ts';
import { quoted } from '../connection-settings.ts';
import type { Database } from '../database.ts';
import { reasonOf } from '../failures.ts';
import type { Maintenance } from '../maintenance.ts';

const NAME = 'tp_exchanges_words';
/** KiB of new trigrams that may wait to be sorted in: so many that no message does it, but {@link WordIndex.keep}. */
const PENDING_KIB = 64 * 1024;

const stateRow = z.object({
  /** The schema of the extension. */
  extension: z.string().nullable(),
  /** Null where there is no index. */
  valid: z.boolean().nullable(),
  building: z.boolean(),
  rows: z.number(),
});

/** An index of the searched texts' trigrams: a rare word is found without reading all texts. */
export interface WordIndex {
  /** Whether searches can use it. */
  isReady(): Promise<boolean>;
  /** Makes it where it is missing and worth its while, and sorts in what came since the last call. */
  keep(): Promise<void>;
}

/**
 * Keeps the index, by the extension pg_trgm, from so many exchanges on; fewer are read faster than a visitor's message
 * could pay for it. Where the account may not make the extension, searches read all texts.
 * @see https://www.postgresql.org/docs/current/pgtrgm.html
 */
export const createWordIndex = (deps: {
  database: Database;
  maintenance: Maintenance;
  schema: string;
  /** How many exchanges are worth an index. */
  from: number;
  logger: Logger;
}): WordIndex => {
  const { database, maintenance, schema, from, logger } = deps;
  const index = `${quoted(schema)}.${NAME}`;
  let isReady = false;
  let isRefused = false;

  const stateOf = async (): Promise<z.infer<typeof stateRow>> => {
    const found = await database.ask(
      (sql) => sql`
        select
          (select n.nspname from pg_extension x join pg_namespace n on n.oid = x.extnamespace
            where x.extname = 'pg_trgm') as extension,
          (select indisvalid from pg_index where indexrelid = to_regclass(${index})) as valid,
          exists (select from pg_stat_progress_create_index where index_relid = to_regclass(${index})) as building,
          (select reltuples::float8 from pg_class where oid = to_regclass('tp_exchanges')) as rows`,
    );
    const state = stateRow.parse(found[0]);
    isReady = state.valid === true;
    return state;
  };

  /** @returns The extension's schema; undefined where it cannot be had. */
  const makeExtension = async (): Promise<string | undefined> => {
    if (isRefused) return undefined;
    try {
      await maintenance.run(`create extension if not exists pg_trgm with schema ${quoted(schema)}`);
    } catch (thrown) {
      isRefused = true;
      logger.info(
        { reason: reasonOf(thrown) },
        'searches read all texts, since the extension pg_trgm is missing; let the owner of the database run: create extension pg_trgm',
      );
      return undefined;
    }
    return (await stateOf()).extension ?? undefined;
  };

  const make = async (extension: string, isHalfMade: boolean): Promise<void> => {
    // A build that was cut off leaves it behind, and each message pays for it.
    if (isHalfMade) await maintenance.run(`drop index concurrently if exists ${index}`);
    await maintenance.run(
      `create index concurrently if not exists ${NAME} on ${quoted(schema)}.tp_exchanges
       using gin (folded ${quoted(extension)}.gin_trgm_ops) with (gin_pending_list_limit = ${PENDING_KIB})`,
    );
    if ((await stateOf()).valid) logger.info({ index }, 'searches use an index now');
  };

  return {
    isReady: async () => isReady || (await stateOf()).valid === true,
    async keep() {
      const state = await stateOf();
      if (state.valid) {
        await database.ask((sql) => sql`select gin_clean_pending_list(to_regclass(${index}))`);
        return;
      }
      if (state.building || state.rows < from) return;
      const extension = state.extension ?? (await makeExtension());
      if (extension !== undefined) await make(extension, state.valid === false);
    },
  };
};
