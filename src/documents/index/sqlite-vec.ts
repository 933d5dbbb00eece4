import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { z } from 'zod';
import type { NearPassage } from './index-port.ts';
import { bytesOf } from './rows.ts';

const sqliteVec = z.object({
  getLoadablePath: z.custom<() => string>((value) => typeof value === 'function'),
});
const versionRow = z.object({ version: z.string() });
const nearRow = z.object({ id: z.string(), similarity: z.number() });

/** sqlite-vec packs the signs of eight numbers into a byte. */
const PACKED = 8;
/** Passages whose signs are most like the question's, of which each is compared whole. */
const SHORTLIST = 1_000;

/**
 * Loads sqlite-vec into a database, where it is installed and can be loaded.
 * @param name The module that has it; a variable, as the package is not one of ours.
 * @returns Its version.
 */
export const loadSqliteVec = async (db: DatabaseSync, name: string): Promise<string | undefined> => {
  try {
    const file = sqliteVec.parse(await import(name)).getLoadablePath();
    db.loadExtension(file);
    return versionRow.parse(db.prepare('select vec_version() as version').get()).version;
  } catch {
    return undefined;
  } finally {
    // No statement may load another one.
    db.enableLoadExtension(false);
  }
};

/** The part of the index that sqlite-vec does. */
export interface SqliteNearest {
  nearestBy(dimensions: number): string | undefined;
  prepareNearest(model: string, limit: number): number;
  nearest(model: string, query: Float32Array, limit: number): NearPassage[];
}

/**
 * Finds the nearest vectors in the database: by their signs, kept in a table of their own, a thirty-second of the
 * vectors' size, then the nearest of those whole. Comparing all vectors whole takes ten times as long.
 * @param version Of sqlite-vec, if it was loaded.
 */
export const createSqliteNearest = (db: DatabaseSync, version: string | undefined): SqliteNearest => {
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const prepared = statements.get(text) ?? db.prepare(text);
    statements.set(text, prepared);
    return prepared;
  };
  return {
    nearestBy: (dimensions) =>
      version === undefined || dimensions % PACKED !== 0 ? undefined : `sqlite-vec ${version}`,
    prepareNearest: (model, limit) => {
      // Made here, not with the other tables: it can be made anew at any time, and most never need it.
      db.exec(`
        create table if not exists document_signs (
          model text not null, seq integer not null, signs blob not null, primary key (model, seq)
        ) strict, without rowid;
        create trigger if not exists document_signs_gone after delete on document_vectors begin
          delete from document_signs where model = old.model and seq = old.seq;
        end`);
      // `+`: by the index of models each page would sort all vectors.
      const { changes } = sql(
        `insert or ignore into document_signs (model, seq, signs)
         select model, seq, vec_quantize_binary(vector) from document_vectors
         where +model = ?1 and length(vector) % ${PACKED * Float32Array.BYTES_PER_ELEMENT} = 0
           and seq > (select coalesce(max(seq), 0) from document_signs where model = ?1)
         order by seq limit ?2`,
      ).run(model, limit);
      return Number(changes);
    },
    nearest: (model, query, limit) =>
      sql(
        `select p.id, 1 - vec_distance_cosine(v.vector, ?2) as similarity from
           (select seq from document_signs where model = ?1 and length(signs) = ?3
            order by vec_distance_hamming(vec_bit(signs), vec_quantize_binary(?2)) limit ${SHORTLIST}) s
         join document_vectors v on v.seq = s.seq join document_passages p on p.seq = v.passage
         order by 2 desc limit ?4`,
      )
        .all(model, bytesOf(query), query.length / PACKED, limit)
        .map((row) => nearRow.parse(row)),
  };
};
