import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import { seeded } from './crash-rounds.ts';
import { withOurTables } from './new-database.ts';
import { type StopMode, startPostgres, type TestPostgres } from './postgres.ts';
import { type Site, startSite } from './site.ts';

const VISITORS = 24;
/** A message is sent again until it is answered, for so many milliseconds: longer than a dead process is waited for. */
const PATIENCE_MS = 90_000;

/** Every so many rounds the database goes instead of a process. */
const OUTAGE_EVERY = 5;

export interface OutageReport {
  acknowledged: number;
  /** How often a message had to be sent again. */
  again: number;
  kills: number;
  outages: number;
}

/** A message that was acknowledged. */
interface Acknowledged {
  readonly id: string;
  readonly user_id: string;
  readonly message: string;
  readonly answer: string;
}

/** Sends a message until it is answered, each time with the same key. */
const insist = async (
  site: Site,
  user_id: string,
  message: string,
  report: OutageReport,
): Promise<Acknowledged> => {
  const headers = { 'Idempotency-Key': randomUUID() };
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let last = ''; performance.now() < giveUpAt; report.again += 1) {
    try {
      const { status, body } = await site.post({ user_id, message }, headers);
      const { id, answer } = body;
      if (status === 200 && id !== undefined && answer !== undefined) return { id, user_id, message, answer };
      last = `${status} ${body.error?.code}`;
      // What was told of an outage is not an internal error, and nothing else goes wrong here.
      const expected = ['log_unavailable', 'internal_error', 'shutting_down', 'thread_busy', undefined];
      expect(expected, last).toContain(body.error?.code);
    } catch (thrown) {
      // The process died amid its answer.
      if (!(thrown instanceof TypeError || thrown instanceof SyntaxError)) throw thrown;
      last = String(thrown);
    }
    await sleep(50);
    if (performance.now() > giveUpAt) throw new Error(`no answer to ${message}: ${last}`);
  }
  throw new Error('no answer');
};

/**
 * Many visitors talk while processes are killed and restarted, and the database is stopped and started.
 * @param options.rounds How often one of them happens.
 * @param options.pauseMs Between two of them, about. Where it goes on for long it must be seconds: that a process is
 * dead is seen by one that itself lives for ten, while the database answers.
 */
const outageRounds = async (
  site: Site,
  postgres: TestPostgres,
  options: { rounds: number; seed: number; pauseMs: number },
): Promise<{ report: OutageReport; acknowledged: Acknowledged[] }> => {
  const random = seeded(options.seed);
  const report: OutageReport = { acknowledged: 0, again: 0, kills: 0, outages: 0 };
  const acknowledged: Acknowledged[] = [];
  let isOver = false;
  const talk = async (visitor: number): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      acknowledged.push(await insist(site, `visitor-${visitor}`, `message ${n}`, report));
    }
  };
  const talking = Promise.all(Array.from({ length: VISITORS }, (_, visitor) => talk(visitor)));
  const disturb = async (): Promise<void> => {
    for (let round = 0; round < options.rounds; round++) {
      await sleep(options.pauseMs * (0.5 + random()));
      if (round % OUTAGE_EVERY === 1) {
        const mode: StopMode = random() < 0.5 ? 'immediate' : 'kill';
        await postgres.stop(mode);
        await sleep(random() * 1_500);
        await postgres.start();
        report.outages += 1;
      } else {
        const victim = Math.floor(random() * site.processes.length);
        site.processes[victim]?.kill('SIGKILL');
        await site.processes[victim]?.ended;
        await site.replace(victim);
        report.kills += 1;
      }
    }
    await sleep(500);
    isOver = true;
  };
  await Promise.all([talking, disturb()]);
  report.acknowledged = acknowledged.length;
  return { report, acknowledged };
};

const answeredRow = z.object({ id: z.string(), visitor: z.string(), said: z.string(), answer: z.string() });

/** All that was acknowledged is in the log, with its answer, and no message was answered twice. */
const checkAcknowledged = async (url: string, acknowledged: readonly Acknowledged[]): Promise<void> => {
  const sql = postgres(withOurTables(url), { max: 1 });
  try {
    const rows =
      await sql`select id, visitor, said, answer from tp_exchanges where answer is not null order by seq`;
    const logged = z.array(answeredRow).parse([...rows]);
    const byId = new Map(logged.map((row) => [row.id, row]));
    const lost = acknowledged.filter(({ id, answer, message, user_id }) => {
      const row = byId.get(id);
      return row?.answer !== answer || row.said !== message || row.visitor !== `u:${user_id}`;
    });
    expect(lost).toEqual([]);
    const messages = logged.map(({ visitor, said }) => `${visitor} ${said}`);
    expect(messages.filter((message, i) => messages.indexOf(message) !== i)).toEqual([]);
    // All turns are over: nothing is left that would block a visitor.
    const [left] = await sql`select count(*)::int as count from tp_taken where undone is null`;
    const [waiting] = await sql`select coalesce(sum(waiting), 0)::int as count from tp_visitors`;
    expect([left?.count, waiting?.count]).toEqual([0, 0]);
  } finally {
    await sql.end();
  }
};

/** A site of three processes on a database of its own, through all rounds, and what is left of it looked at. */
export const outages = async (options: Parameters<typeof outageRounds>[2]): Promise<OutageReport> => {
  const server = await startPostgres({ durable: true });
  onTestFinished(() => server.dispose());
  const databaseUrl = await server.newDatabase();
  const site = await startSite({ databaseUrl, emulator: { pace: 1 } });
  const { report, acknowledged } = await outageRounds(site, server, options);
  await checkAcknowledged(databaseUrl, acknowledged);
  return report;
};
