import type { Store } from '../../chat/store-port.ts';
import type { Database } from './database.ts';

/** Answers that are remembered; what was so once stays so. */
const REMEMBERED = 100_000;

/** Remembers, up to a bound, for what the answer was yes; the oldest are forgotten first. */
const rememberYes = () => {
  const known = new Set<string>();
  return {
    has: (id: string): boolean => known.has(id),
    add: (id: string): void => {
      known.add(id);
      for (const oldest of known) {
        if (known.size <= REMEMBERED) break;
        known.delete(oldest);
      }
    },
  };
};

/** Who was vouched for, and which tokens ended. */
export const createSessionFacts = (deps: {
  database: Database;
}): Pick<Store, 'markVerified' | 'isVerified' | 'endToken' | 'hasEnded'> => {
  const { database } = deps;
  const vouched = rememberYes();
  const ended = rememberYes();
  return {
    async markVerified(userId) {
      if (vouched.has(userId)) return;
      await database.ask((sql) => sql`insert into tp_vouched (id) values (${userId}) on conflict do nothing`);
      vouched.add(userId);
    },
    async isVerified(userId) {
      if (vouched.has(userId)) return true;
      const rows = await database.ask((sql) => sql`select id from tp_vouched where id = ${userId}`);
      if (rows.length > 0) vouched.add(userId);
      return rows.length > 0;
    },
    async endToken(id, until) {
      if (ended.has(id)) return false;
      const rows = await database.ask(
        (sql) => sql`
          insert into tp_ended (token, until) values (${id}, ${until}::float8)
          on conflict do nothing returning token`,
      );
      ended.add(id);
      return rows.length > 0;
    },
    async hasEnded(tokenId) {
      if (ended.has(tokenId)) return true;
      const rows = await database.ask((sql) => sql`select token from tp_ended where token = ${tokenId}`);
      if (rows.length > 0) ended.add(tokenId);
      return rows.length > 0;
    },
  };
};
