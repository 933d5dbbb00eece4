import type { ISql } from 'postgres';
import { z } from 'zod';
import type { DocumentIndex } from './index-port.ts';
import { vectorOf } from './rows.ts';

/** Has `halfvec`, half as large and as good for nearness. */
const LEAST_VERSION = [0, 7] as const;
/** How many of the nearest its index looks at. */
const LOOKED_AT = 100;
/** What its index can hold. */
const MAX_DIMENSIONS = 4_000;

/** Under it the table and its indices are made: any number that nothing else locks. */
const LOCK = 746_865_718;

const extensionRow = z.object({ version: z.string(), path: z.string() });
const vectorRow = z.object({ seq: z.coerce.number(), vector: z.instanceof(Uint8Array) });
const nearRow = z.object({ id: z.string(), similarity: z.coerce.number() });

const isUsable = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > LEAST_VERSION[0] || (major === LEAST_VERSION[0] && minor >= LEAST_VERSION[1]);
};

/** A text in SQL: a parameter would hide from the planner which index fits. */
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const vectorText = (vector: Float32Array): string => `[${vector.join(',')}]`;

/** The extension's version; its types are found until the end of the transaction. */
const pgvector = async (sql: ISql): Promise<string | undefined> => {
  const [row] = await sql`
    select e.extversion as version,
      set_config('search_path', current_setting('search_path') || ', ' || quote_ident(n.nspname), true) as path
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'`;
  const version = row && extensionRow.parse(row).version;
  return version !== undefined && isUsable(version) ? version : undefined;
};

/** Indices are kept for vectors of one model and length: of others they could not be compared. */
const makeIndex = async (sql: ISql, model: string, dimensions: number): Promise<void> => {
  await sql.unsafe(
    `create table if not exists tp_document_near (
       seq bigint primary key references tp_document_vectors on delete cascade, model text collate "C" not null,
       near halfvec not null)`,
  );
  await sql.unsafe(
    `do $make$ declare name text := 'tp_document_near_' || left(md5(${literal(model)} || '${dimensions}'), 16); begin
       execute format('create index if not exists %I on tp_document_near using hnsw
         ((near::halfvec(${dimensions})) halfvec_cosine_ops) where model = %L and vector_dims(near) = ${dimensions}',
         name, ${literal(model)});
     end $make$`,
  );
};

type Nearest = Pick<DocumentIndex, 'nearestBy' | 'prepareNearest' | 'nearest'>;

/** The part of the index that pgvector does, where the database has it. */
export const createPostgresNearest = ({
  transaction,
}: {
  readonly transaction: <T>(work: (sql: ISql) => Promise<T>) => Promise<T>;
}): Nearest => ({
  nearestBy: (dimensions) =>
    transaction(async (sql) => {
      const version = await pgvector(sql);
      return version === undefined || dimensions > MAX_DIMENSIONS ? undefined : `pgvector ${version}`;
    }),
  prepareNearest: (model, limit) =>
    transaction(async (sql) => {
      await pgvector(sql);
      // One process at a time makes them.
      await sql`select pg_advisory_xact_lock(${LOCK}::integer, hashtext(current_schema()))`;
      const [there] = await sql`select to_regclass('tp_document_near') is not null as there`;
      const after = there?.there
        ? 'coalesce((select max(seq) from tp_document_near where model = $1), 0)'
        : '0';
      const rows = await sql.unsafe(
        `select seq, vector from tp_document_vectors where model = $1 and seq > ${after}
         and octet_length(vector) <= ${MAX_DIMENSIONS * Float32Array.BYTES_PER_ELEMENT} order by seq limit $2`,
        [model, limit],
      );
      if (rows.length === 0) return 0;
      const vectors = rows
        .map((row) => vectorRow.parse(row))
        .map(({ seq, vector }) => ({ seq, vector: vectorOf(vector) }));
      for (const dimensions of new Set(vectors.map(({ vector }) => vector.length)))
        await makeIndex(sql, model, dimensions);
      const given = vectors.map(({ seq, vector }) => ({ seq, near: vectorText(vector) }));
      await sql.unsafe(
        `insert into tp_document_near (seq, model, near)
         select seq, $2, near::halfvec from jsonb_to_recordset($1::text::jsonb) as given (seq bigint, near text)`,
        [JSON.stringify(given), model],
      );
      return rows.length;
    }),
  nearest: (model, query, limit) =>
    transaction(async (sql) => {
      await pgvector(sql);
      const { length } = query;
      await sql.unsafe(`set local hnsw.ef_search = ${Math.max(LOOKED_AT, limit)}`);
      const rows = await sql.unsafe(
        `select p.id, n.similarity from (
           select seq, 1 - (near::halfvec(${length}) <=> $1::text::halfvec(${length})) as similarity
           from tp_document_near where model = ${literal(model)} and vector_dims(near) = ${length}
           order by near::halfvec(${length}) <=> $1::text::halfvec(${length}) limit $2::text::integer) n
         join tp_document_vectors v using (seq) join tp_document_passages p on p.seq = v.passage
         order by n.similarity desc`,
        [vectorText(query), String(limit)],
      );
      return rows.map((row) => nearRow.parse(row));
    }),
});
