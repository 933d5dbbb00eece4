import { expect } from 'vitest';
import { seeded } from './crash-rounds.ts';
import { CUT_WIRES, type CutWire } from './cut-wires.ts';
import { until } from './events.ts';
import { readLog, startEmulator, startService, type TestService, upstreamEnv } from './service.ts';

/** When a reader that was cut off comes back. */
type Return = 'at once' | 'when it is over' | 'after a restart';

export interface CutReport {
  turns: number;
  cuts: number;
  returns: Record<Return, number>;
}

/** Visitors who are being answered at the same time. */
const VISITORS = 4;
const WORDS = 24;

/** One reader of one turn, across its connections. */
interface Reader {
  readonly message: string;
  readonly visitor: string;
  id?: string | undefined;
  /** The id of the last event that was read. */
  last?: string | undefined;
  text: string;
  answer?: string;
}

/**
 * Readers of streams are cut off at random events and come back at random moments, until all have been cut off
 * `wanted` times together. Each must end with the answer that the log has, after events without a gap, and each
 * turn must have been run once.
 */
export const cutRounds = async (
  wanted: number,
  seed: number,
  wireName: CutWire = 'sse',
): Promise<CutReport> => {
  const random = seeded(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const emulator = await startEmulator({
    record: 0,
    pace: 1,
    answer: ({ message }) => Array.from({ length: WORDS }, (_, n) => `${message}${n}`).join(' '),
  });
  let service: TestService = await startService({ ...upstreamEnv(emulator), LOG_LEVEL: 'info' });
  const { dir } = service;
  const wire = await CUT_WIRES[wireName](service);
  const report: CutReport = {
    turns: 0,
    cuts: 0,
    returns: { 'at once': 0, 'when it is over': 0, 'after a restart': 0 },
  };

  /** Reads until the end, or `limit` events; then the connection is cut. */
  const read = async (reader: Reader, restarted: boolean, limit: number): Promise<void> => {
    const { message } = reader;
    const events = await wire.read(service, reader);
    let left = limit;
    for await (const { event, id: at, data } of events) {
      if (event === 'comment') continue;
      const n = Number(reader.last?.split(':')[1] ?? -1);
      reader.id ??= data.id;
      expect(at, `${message}: an event after ${reader.last}`).toBe(`${reader.id}:${n + 1}`);
      reader.last = at ?? '';
      reader.text += data.text ?? '';
      if (event === 'done') {
        reader.answer = data.answer ?? '';
        // After a restart the rest of the text comes with the whole answer alone.
        if (restarted) expect(reader.answer.startsWith(reader.text), message).toBe(true);
        else expect(reader.text, message).toBe(reader.answer);
        return;
      }
      expect(['accepted', 'delta'], message).toContain(event);
      if (--left === 0) break;
    }
    report.cuts += 1;
  };

  const isOver = async ({ id }: Reader): Promise<boolean> =>
    service.lines.some(({ msg, exchange }) => msg === 'answered' && exchange === id);

  for (let round = 0; report.cuts < wanted; round++) {
    const readers = Array.from({ length: VISITORS }, (_, n): Reader => {
      return { visitor: `visitor-${n}`, message: `r${round}v${n}w`, text: '' };
    });
    report.turns += readers.length;
    const restarts = below(8) === 0;
    await Promise.all(
      readers.map(async (reader) => {
        await read(reader, false, 1 + below(8));
        while (reader.answer === undefined && !restarts) {
          const back: Return = below(3) === 0 ? 'when it is over' : 'at once';
          report.returns[back] += 1;
          if (back === 'when it is over') await until(() => isOver(reader), 'the end of its turn');
          await read(reader, false, 1 + below(8));
        }
      }),
    );
    if (restarts) {
      await service.stop();
      service = await startService({ ...upstreamEnv(emulator), LOG_LEVEL: 'info', DATA_DIR: dir });
      for (const reader of readers) {
        while (reader.answer === undefined) {
          report.returns['after a restart'] += 1;
          await read(reader, true, 1 + below(2));
        }
      }
    }
    // Sent again, each message gets the exchange that it has.
    for (const { visitor, message, id, answer } of readers) {
      const { body, headers } = await wire.post(visitor, message);
      const again = await service.post(body, { 'Idempotency-Key': message, ...headers });
      expect(again.body, message).toEqual({ id, answer });
    }
  }

  await service.stop();
  const log = Object.values(await readLog(dir)).flat();
  expect(log.length).toBe(report.turns);
  for (const { user, bot } of log) {
    expect(bot).toBe(Array.from({ length: WORDS }, (_, n) => `${user}${n}`).join(' '));
  }
  expect(emulator.calls.responses).toBe(report.turns);
  return report;
};
