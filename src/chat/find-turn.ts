import { KEY_LIFE_MS } from './idempotency.ts';
import { failureIn, loggedTurn, type OpenTurn, type Turn } from './live-turns.ts';
import type { Exchange } from './model.ts';
import type { Clock } from './ports.ts';
import { createRecentTurns } from './recent-turns.ts';
import type { RemoteTurns } from './remote-turns.ts';
import type { Store } from './store-port.ts';
import { DURABLE_WITHIN_MS, within } from './waiting.ts';

/** Finds turns of messages that were accepted before: in flight, here or in another process, just over, or in the log. */
export interface TurnFinder {
  /** Keeps a turn that is over for those who read it on. */
  keep(turn: OpenTurn): void;
  /**
   * The turn of an exchange.
   * @throws AppError `log_unavailable` where its answer is there and cannot be made durable.
   */
  byId(id: string): Promise<Turn | undefined>;
  /**
   * The turn that an idempotency key stands for; none where that failed, or is too long ago.
   * @throws AppError as `byId`.
   */
  byKey(name: string): Promise<Turn | undefined>;
}

/**
 * @param deps.inFlight The turn of this exchange id, where it is in flight in this process, and its end.
 * @param deps.remoteTurns Those in flight in other processes.
 */
export const createFindTurn = (deps: {
  inFlight: (id: string) => { readonly turn: Turn; readonly over: Promise<void> } | undefined;
  remoteTurns: RemoteTurns;
  store: Store;
  clock: Clock;
}): TurnFinder => {
  const { inFlight, remoteTurns, store, clock } = deps;
  const recent = createRecentTurns({ clock });
  /** The turn of an exchange that the store has. What it has no more is not told from memory either. */
  const over = async (exchange: Exchange): Promise<Turn> => {
    const kept = recent.get(exchange.id);
    if (kept) return kept;
    // It is there already; this waits for the disk, where the exchange still does.
    await within(DURABLE_WITHIN_MS, store.finish(exchange));
    return loggedTurn(exchange);
  };

  return {
    keep: (turn) => {
      // An answer that was late to become durable is not told as a failure for longer than it is one.
      if (failureIn(turn)?.code !== 'log_unavailable') recent.add(turn);
    },
    byId: async (id) => {
      const running = inFlight(id);
      if (running) return running.turn;
      // Asked first: what ends between the two questions is in the log by the second.
      const unfinished = await store.unfinished(id);
      if (unfinished) return remoteTurns.follow(unfinished);
      const exchange = await store.exchange(id);
      return exchange && over(exchange);
    },
    byKey: async (name) => {
      const id = await store.keyed(name);
      if (id === undefined) return undefined;
      const running = inFlight(id);
      if (running && !failureIn(running.turn)) return running.turn;
      const unfinished = await store.unfinished(id);
      if (unfinished && !running) return remoteTurns.follow(unfinished);
      // It has failed, and frees its key as soon as that is in the log.
      if (unfinished) await within(DURABLE_WITHIN_MS, running?.over ?? Promise.resolve());
      const exchange = await store.exchange(id);
      if (!exchange || exchange.bot === null) return undefined;
      return clock.now() - exchange.timestamp * 1000 < KEY_LIFE_MS ? over(exchange) : undefined;
    },
  };
};
