import type { OpenTurn, Turn } from './live-turns.ts';
import type { Clock } from './ports.ts';

/** How long a turn's events are kept after it is over: long enough to reload a page or change the network. */
const KEPT_MS = 5 * 60_000;
/** UTF-16 units that all kept turns take together, about; beyond, the oldest are let go. */
const MAX_UNITS = 4 * 1024 * 1024;
/** What an event takes beside its text. */
const UNITS_PER_EVENT = 64;

/** Turns that were over a short while ago, with each of their events. */
export interface RecentTurns {
  add(turn: OpenTurn): void;
  get(id: string): Turn | undefined;
}

/** Keeps turns that are over for a while, bounded, so that readers who were cut off go on where they were. */
export const createRecentTurns = ({ clock }: { clock: Clock }): RecentTurns => {
  /** In the order in which they ended. */
  const turns = new Map<string, { turn: Turn; until: number; units: number }>();
  let total = 0;

  const letGo = (): void => {
    for (const [id, { until, units }] of turns) {
      if (total <= MAX_UNITS && until > clock.now()) break;
      turns.delete(id);
      total -= units;
    }
  };

  return {
    add: (turn) => {
      // The text is there in its deltas and in the answer.
      const units = turn.count * UNITS_PER_EVENT + turn.text.length + 2 * turn.said().length;
      // One that is too large alone would take all others along.
      if (units > MAX_UNITS) return;
      turns.set(turn.id, { turn, until: clock.now() + KEPT_MS, units });
      total += units;
      letGo();
    },
    get: (id) => {
      letGo();
      return turns.get(id)?.turn;
    },
  };
};
