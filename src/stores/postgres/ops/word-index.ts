import type { Database } from '../database.ts';

/** The index of the searched texts' trigrams, by which a rare word is found without reading all texts. */
export interface WordIndex {
  /** Whether searches can use it. */
  isReady(): Promise<boolean>;
  /** Sorts in what came since the last call, so that no message has to. */
  tidy(): Promise<void>;
}

/**
 * The statement that makes the index where the extension can be had, and there are no more exchanges than `most`: beside
 * messages a long log wants another way (docs/scale.md).
 */
export const makeWordIndex = (most: number): string => `
  do $words$ begin
    if (select count(*) from (select from tp_exchanges limit ${most + 1}) as few) <= ${most} then
      create extension if not exists pg_trgm with schema public;
      execute format(
        'create index if not exists tp_exchanges_words on tp_exchanges using gin (folded %I.gin_trgm_ops)
          with (gin_pending_list_limit = 8192)',
        (select n.nspname from pg_extension x join pg_namespace n on n.oid = x.extnamespace where x.extname = 'pg_trgm'));
    end if;
  exception when others then
    -- Without it a search reads all texts.
  end $words$`;

/**
 * Watches the index, which a step of the schema makes where the extension pg_trgm can be had, and which operators make
 * where their log was long before.
 * @see https://www.postgresql.org/docs/current/pgtrgm.html
 */
export const createWordIndex = ({ database }: { database: Database }): WordIndex => {
  let isKnown = false;
  const look = async (): Promise<boolean> => {
    const found = await database.ask(
      (sql) => sql`select from pg_index where indexrelid = to_regclass('tp_exchanges_words') and indisvalid`,
    );
    isKnown = found.length > 0;
    return isKnown;
  };
  return {
    isReady: async () => isKnown || look(),
    async tidy() {
      if (!(await look())) return;
      // Only its owner may; where that is another account, autovacuum does it.
      await database.ask(
        (sql) => sql`
          select gin_clean_pending_list(oid) from pg_class
          where oid = to_regclass('tp_exchanges_words') and pg_has_role(relowner, 'usage')`,
      );
    },
  };
};
