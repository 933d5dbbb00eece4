import { z } from 'zod';
import { type AcceptedMessage, visitorKey } from '../../chat/model.ts';
import { logUnavailable } from '../../errors.ts';
import type { Database } from './database.ts';
import type { Tuning } from './tuning.ts';

/** A message that this process accepted, or took over, and has not finished. */
export interface OwnTurn {
  /** The id of this process under which it was accepted. */
  readonly processId: string;
  /** visitorKey() of its visitor. */
  readonly visitor: string;
  /** Its number among the visitor's messages. */
  readonly queuePosition: number;
}

/** The messages that this process has to finish, and which of them wait for others. */
export interface Turns {
  /** @returns A function that waits until no earlier message of the visitor runs. */
  enter(
    message: AcceptedMessage,
    entered: { processId: string; queuePosition: number; waiting: number },
  ): (signal: AbortSignal) => Promise<void>;
  /** Takes over a message of a process that is gone. */
  adopt(id: string, turn: OwnTurn): void;
  get(id: string): OwnTurn | undefined;
  /** Whether a message of this visitor is to be finished here. */
  has(visitor: string): boolean;
  /** Forgets a message: it is finished, or no longer this process's. */
  leave(id: string): void;
  /** The ids of the messages that were accepted under this process id. */
  under(processId: string): string[];
  close(): void;
}

interface Waiter {
  readonly turn: OwnTurn;
  readonly settle: (error?: Error) => void;
}

const lookRow = z.object({ id: z.string(), mine: z.boolean(), first: z.boolean() });

export const createTurns = (deps: { database: Database; tuning: Tuning }): Turns => {
  const { database, tuning } = deps;
  const own = new Map<string, OwnTurn>();
  const perVisitor = new Map<string, number>();
  const waiters = new Map<string, Waiter>();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let again = false;

  const add = (id: string, turn: OwnTurn): void => {
    own.set(id, turn);
    perVisitor.set(turn.visitor, (perVisitor.get(turn.visitor) ?? 0) + 1);
  };
  const lost = () => logUnavailable({ cause: new Error('the message belongs to another process now') });

  /** Asks for all waiting messages in one statement. */
  const look = async (): Promise<void> => {
    const asked = [...waiters].map(([id, { turn }]) => ({ id, ...turn }));
    const rows = await database.try(
      (sql) => sql`
        select w.id,
          exists (select from tp_taken t where t.id = w.id and t.process = w."processId") as mine,
          not exists (
            select from tp_taken t
            where t.visitor = w.visitor and t.place < w."queuePosition" and t.process is not null
          ) as first
        from json_to_recordset(${JSON.stringify(asked)}::text::json)
          as w(id text, "processId" text, visitor text, "queuePosition" bigint)`,
    );
    for (const { id, mine, first } of z.array(lookRow).parse([...rows])) {
      if (!mine) waiters.get(id)?.settle(lost());
      else if (first) waiters.get(id)?.settle();
    }
  };

  /** Looks now, and keeps looking as long as a message waits. */
  const poll = (): void => {
    clearTimeout(timer);
    if (waiters.size === 0) return;
    if (looking) {
      again = true;
      return;
    }
    again = false;
    let wait = tuning.pollMs;
    looking = look()
      .catch(() => {
        wait = tuning.retryMs;
      })
      .finally(() => {
        looking = undefined;
        if (again) poll();
        else if (waiters.size > 0) timer = setTimeout(poll, wait);
      });
  };

  const waitFor = (id: string, turn: OwnTurn, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => {
        signal.removeEventListener('abort', onAbort);
        waiters.delete(id);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(signal.reason);
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onAbort);
      waiters.set(id, { turn, settle });
      poll();
    });

  return {
    enter: ({ id, visitor }, { processId, queuePosition, waiting }) => {
      const turn = { processId, visitor: visitorKey(visitor), queuePosition };
      add(id, turn);
      // The statement that accepted it has seen that it is the only one.
      if (waiting === 1) return async (signal) => signal.throwIfAborted();
      return (signal) => waitFor(id, turn, signal);
    },
    adopt: add,
    get: (id) => own.get(id),
    has: (visitor) => perVisitor.has(visitor),
    leave: (id) => {
      const turn = own.get(id);
      if (!turn) return;
      own.delete(id);
      const left = (perVisitor.get(turn.visitor) ?? 1) - 1;
      if (left > 0) perVisitor.set(turn.visitor, left);
      else perVisitor.delete(turn.visitor);
      poll();
    },
    under: (processId) => [...own].flatMap(([id, turn]) => (turn.processId === processId ? [id] : [])),
    close: () => {
      clearTimeout(timer);
      for (const { settle } of waiters.values()) {
        settle(logUnavailable({ cause: new Error('the store is closed') }));
      }
    },
  };
};
