import type { RunRequest } from '../chat/backend-port.ts';
import { type Exchange, visitorKey } from '../chat/model.ts';
import type { Logger } from '../chat/ports.ts';
import { AppError } from '../errors.ts';
import { isContextFull, isUnknownRefusal } from './overflow.ts';

/** How often the history is halved before none of it is sent. */
const MAX_HALVINGS = 5;
/** From this length on, in UTF-16 units, a history may be what an upstream refuses for reasons that it words strangely. */
const LONG_HISTORY = 2_000;
/** The limit on an answer, where a server adds it to the length of the input. */
const ANSWER_LENGTH = /max_(new_|completion_|output_)?tokens|\bcompletion\b/i;
/** Visitors whose last message was refused; the oldest are forgotten. */
const MAX_REFUSED = 10_000;

export const lengthOf = (exchanges: readonly Exchange[]): number =>
  exchanges.reduce((sum, { user, bot }) => sum + user.length + (bot?.length ?? 0), 0);

/** What a backend has learned, in this process, of how much history fits its models. */
export interface HistoryLengths {
  /** @param model Lengths are remembered by it. */
  forRun(request: RunRequest, model: string): ToldHistory;
}

/** How much of the transcript one message's run is sent. */
export interface ToldHistory {
  /** What is sent now, oldest first. */
  exchanges(): Promise<readonly Exchange[]>;
  /** Whether the longest answer goes along: some servers add it to the length of the input. */
  readonly limitsAnswer: boolean;
  /**
   * Whether the run is worth another try, with less: the upstream could not take in all of it. The history is halved
   * each time, and then left out; at last the longest answer is not asked for, where the server adds it to the rest.
   */
  shorten(thrown: unknown): Promise<boolean>;
  /** The upstream accepted the run; what fitted after more was too much is remembered. */
  taken(): void;
  /** The run has failed. */
  failed(thrown: unknown): void;
}

export const createHistoryLengths = (logger: Logger): HistoryLengths => {
  /** By model: UTF-16 units of history and message together that fitted where more did not. */
  const fitting = new Map<string, number>();
  const refused = new Set<string>();

  return {
    forRun: (request, model) => {
      const key = visitorKey(request.visitor);
      const fits = fitting.get(model);
      let most = fits === undefined ? undefined : Math.max(0, fits - request.message.length);
      let told: number | undefined;
      let halvings = 0;
      let suspects = false;
      let limitsAnswer = true;

      const exchanges = async () => {
        const history = await request.history(most);
        told = lengthOf(history);
        return history;
      };

      return {
        exchanges,
        get limitsAnswer() {
          return limitsAnswer;
        },
        shorten: async (thrown) => {
          const length = told ?? lengthOf(await exchanges());
          suspects ||= refused.has(key) && length >= LONG_HISTORY;
          if (!(isContextFull(thrown) || (suspects && isUnknownRefusal(thrown)))) return false;
          if (length === 0) {
            // What is left of the context then limits the answer.
            const isAdded = limitsAnswer && thrown instanceof Error && ANSWER_LENGTH.test(thrown.message);
            limitsAnswer &&= !isAdded;
            return isAdded;
          }
          halvings += 1;
          most = halvings > MAX_HALVINGS ? 0 : Math.floor(length / 2);
          return true;
        },
        taken: () => {
          refused.delete(key);
          if (halvings === 0) return;
          if (fits === undefined) {
            logger.warn(
              { model, told_chars: told },
              'the model cannot take in HISTORY_MAX_CHARS of history, so that less is told: lower it, or give the model a longer context',
            );
          }
          fitting.set(model, (told ?? 0) + request.message.length);
        },
        failed: (thrown) => {
          const cause = thrown instanceof AppError ? thrown.cause : thrown;
          if (!isUnknownRefusal(cause)) return;
          refused.delete(key);
          refused.add(key);
          if (refused.size > MAX_REFUSED) refused.delete(refused.values().next().value ?? '');
        },
      };
    },
  };
};
