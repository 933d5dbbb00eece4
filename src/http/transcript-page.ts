import { withoutMarkers } from '../chat/answer-markers.ts';
import type { Exchange, Visitor } from '../chat/model.ts';
import type { Transcript } from '../chat/store-port.ts';
import type { HistoryAnswer } from './schemas.ts';

/** UTF-16 units of messages and answers that one page tells, so that no answer is larger than about a megabyte. */
const MAX_CHARS = 256 * 1024;
/** Exchanges that are asked of the store at a time. */
const STEP = 20;

/** Some of a visitor's exchanges. */
export interface TranscriptPage {
  readonly newestFirst: readonly Exchange[];
  /** Whether there are older ones. */
  readonly hasOlder: boolean;
}

const sizeOf = ({ user, bot }: Exchange): number => user.length + (bot?.length ?? 0);

/**
 * A visitor's newest exchanges, at most `limit`, those older than the exchange `before` if given. A page ends early where
 * its texts are long; one exchange is always on it.
 * @throws AppError `log_unavailable`
 */
export const readPage = async (
  transcript: Pick<Transcript, 'recent'>,
  visitor: Visitor,
  { limit, before }: { readonly limit: number; readonly before?: string | undefined },
): Promise<TranscriptPage> => {
  const newestFirst: Exchange[] = [];
  let chars = 0;
  let last = before;
  for (;;) {
    // One more than the page holds tells whether there are older ones.
    const wanted = Math.min(STEP, limit + 1 - newestFirst.length);
    const found = await transcript.recent(visitor, {
      limit: wanted,
      ...(last === undefined ? {} : { before: last }),
    });
    for (const exchange of found) {
      chars += sizeOf(exchange);
      const isFull = newestFirst.length === limit || (newestFirst.length > 0 && chars > MAX_CHARS);
      if (isFull) return { newestFirst, hasOlder: true };
      // What an older log has of providers' markers is not shown.
      newestFirst.push(exchange.bot === null ? exchange : { ...exchange, bot: withoutMarkers(exchange.bot) });
    }
    if (found.length < wanted) return { newestFirst, hasOlder: false };
    last = found.at(-1)?.id;
  }
};

/** A page as clients read it, oldest first. */
export const pageAnswer = ({ newestFirst, hasOlder }: TranscriptPage): HistoryAnswer => {
  const oldest = newestFirst.at(-1);
  return {
    history: newestFirst
      .toReversed()
      .map(({ id, user, bot, timestamp, error, truncated, sources, feedback }) => ({
        id,
        user,
        bot,
        timestamp,
        ...(error === undefined ? {} : { error }),
        ...(truncated ? { truncated } : {}),
        ...(sources ? { sources } : {}),
        ...(feedback ? { feedback } : {}),
      })),
    ...(oldest && hasOlder ? { before: oldest.id } : {}),
  };
};
