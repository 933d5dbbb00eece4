import { setTimeout as sleep } from 'node:timers/promises';
import { type AppError, asAppError, logUnavailable, shuttingDown } from '../errors.ts';
import { loggedTurn, type NumberedEvent, type Turn } from './live-turns.ts';
import type { AcceptedMessage, Exchange } from './model.ts';
import type { Clock } from './ports.ts';
import type { Store } from './store-port.ts';

/** How often the log is asked whether a turn of another process is over, in milliseconds, where few are followed. */
const POLL_MS = 200;
/** How often it is asked for all that are followed, a second: readers that a dead process has lost must not flood the database. */
const POLLS_PER_SECOND = 500;
/** How long after its last chance to end a turn is still waited for where the log cannot be asked. */
const PATIENCE_MS = 60_000;

/** Turns in flight in other processes, as this one sees them: accepted, and, when the log has them, over. */
export interface RemoteTurns {
  /** The turn of a message that another process runs. */
  follow(message: AcceptedMessage): Turn;
  /** How many are followed now. */
  count(): number;
  /** Ends all that are followed in `shutting_down`. */
  stop(): void;
}

/**
 * @param deps.runTimeout Milliseconds that a turn may take.
 * @param deps.onOver Called whenever one that was followed is over.
 */
export const createRemoteTurns = (deps: {
  store: Pick<Store, 'exchange' | 'unfinished'>;
  clock: Clock;
  runTimeout: number;
  onOver: () => void;
}): RemoteTurns => {
  const { store, clock } = deps;
  const followed = new Map<string, Turn>();
  const stopping = new AbortController();

  const look = async (id: string): Promise<Exchange | 'running' | 'gone'> => {
    try {
      if (await store.unfinished(id)) return 'running';
      return (await store.exchange(id)) ?? 'gone';
    } catch (thrown) {
      const error = asAppError(thrown);
      // It goes on, as far as is known.
      if (error.code === 'log_unavailable') return 'running';
      throw error;
    }
  };

  /** @throws AppError where the turn cannot be told of any more. */
  const exchangeOf = async ({ id, timestamp }: AcceptedMessage): Promise<Exchange> => {
    const giveUpAt = timestamp * 1000 + deps.runTimeout + PATIENCE_MS;
    for (;;) {
      if (stopping.signal.aborted) throw shuttingDown();
      const seen = await look(id);
      // Its acceptance was cut off and is undone, so that it can be sent again; or its visitor has cleared it.
      if (seen === 'gone') throw logUnavailable({ cause: new Error('the message is not there any more') });
      if (seen !== 'running') return seen;
      if (clock.now() > giveUpAt) throw logUnavailable();
      const wait = Math.max(POLL_MS, (followed.size * 1000) / POLLS_PER_SECOND);
      await sleep(wait, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };

  const open = (message: AcceptedMessage): Turn => {
    const accepted: NumberedEvent = { n: 0, event: { type: 'accepted' } };
    const readers = new Set<() => void>();
    let over: Pick<Turn, 'at' | 'count'> | undefined;
    const outcome = exchangeOf(message).then(
      (exchange) => {
        const turn = loggedTurn(exchange);
        over = turn;
        return turn.outcome;
      },
      (error: AppError) => {
        over = { count: 2, at: (n) => (n === 0 ? accepted : { n, event: { type: 'error', error } }) };
        throw error;
      },
    );
    const tell = (): void => {
      followed.delete(message.id);
      for (const wake of readers) wake();
      deps.onOver();
    };
    outcome.then(tell, tell);
    return {
      id: message.id,
      visitor: message.visitor,
      text: message.user,
      outcome,
      get count() {
        return over?.count ?? 1;
      },
      at: (n) => (over ? over.at(n) : n === 0 ? accepted : undefined),
      onEvent: (wake) => {
        readers.add(wake);
        return () => {
          readers.delete(wake);
        };
      },
    };
  };

  return {
    follow: (message) => {
      const known = followed.get(message.id);
      if (known) return known;
      const turn = open(message);
      followed.set(message.id, turn);
      return turn;
    },
    count: () => followed.size,
    stop: () => stopping.abort(),
  };
};
