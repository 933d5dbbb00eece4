import type { EndedTokens, VerifiedUsers } from '../../chat/store-port.ts';
import type { Database } from './database.ts';

/** Answers that are cached: neither a verified user nor an ended token ever changes back. */
const REMEMBERED = 100_000;

/** A bounded cache of ids for which the answer is yes; the oldest are dropped first, and asked for again. */
const cacheYes = () => {
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

/** Which user ids are verified, and which tokens have ended. */
export const createSessionFacts = (deps: { database: Database }): VerifiedUsers & EndedTokens => {
  const { database } = deps;
  const verified = cacheYes();
  const ended = cacheYes();
  return {
    async markVerified(userId) {
      if (verified.has(userId)) return;
      await database.ask((sql) => sql`insert into tp_vouched (id) values (${userId}) on conflict do nothing`);
      verified.add(userId);
    },
    async isVerified(userId) {
      if (verified.has(userId)) return true;
      const rows = await database.ask((sql) => sql`select id from tp_vouched where id = ${userId}`);
      if (rows.length > 0) verified.add(userId);
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
