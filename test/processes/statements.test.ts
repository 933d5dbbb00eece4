import { beforeAll, describe, expect, it } from 'vitest';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { startBoth } from '../helpers/service.ts';
import { tokenFor } from '../helpers/sockets.ts';
import { startWireLog } from '../helpers/wire-log.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
  return () => databases.dispose();
});

const MOST = 4;
const MESSAGES = 5;
/** What runs by itself: heartbeats, and the look for turns of processes that are gone. */
const IN_BACKGROUND = /set beat = beat \+ 1|set process = \$1, stop = true|^delete from|not in \(select id/;

/** A service that reaches its database through a proxy which notes the statements. */
const start = async () => {
  const url = new URL(await databases.newDatabase());
  const wire = await startWireLog(Number(url.port));
  url.port = `${wire.port}`;
  url.searchParams.set('sslmode', 'disable');
  const { service } = await startBoth({
    env: {
      DATABASE_URL: url.href,
      SESSION_SECRET: 'a-secret-of-at-least-thirty-two-characters',
      RATE_LIMIT: '1000/1h',
      DAILY_MESSAGES: '10000',
      DAILY_MESSAGES_PER_ADDRESS: '1000',
    },
  });
  return { service, wire };
};

describe('a message on Postgres', () => {
  it.each(['user_id', 'session_token'] as const)(
    `takes at most ${MOST} statements, all limits included (a visitor known by its %s)`,
    async (by) => {
      const { service, wire } = await start();
      const who = by === 'user_id' ? { user_id: 'ann' } : { session_token: await tokenFor(service) };
      const say = async (): Promise<void> => {
        expect((await service.post({ ...who, message: 'Hello!' })).status).toBe(200);
      };
      // The first message makes the thread, and the day's count.
      await say();
      wire.executed.length = 0;
      for (let n = 0; n < MESSAGES; n++) await say();
      const statements = wire.executed.filter((text) => !IN_BACKGROUND.test(text.trim()));
      expect(statements.length, statements.join('\n---\n')).toBeLessThanOrEqual(MOST * MESSAGES);
      expect(statements.length).toBeGreaterThan(0);
    },
  );
});
