import { withoutMarkers } from '../chat/answer-markers.ts';
import { cutTo } from '../chat/answer-text.ts';
import type { Exchange, Visitor } from '../chat/model.ts';
import type { Transcript } from '../chat/store-port.ts';
import type { HistoryAnswer } from './schemas.ts';

/** UTF-16 units of messages and answers that one page tells, so that no answer is larger than about a megabyte. */
const MAX_CHARS = 256 * 1024;
/** What is told of one text; older logs have texts of 16 MB. */
const MAX_TEXT_CHARS = 512 * 1024;
/** Exchanges that are asked of the store at a time. */
const STEP = 20;

/** Some of a visitor's exchanges. */
export interface TranscriptPage {
  readonly newestFirst: readonly Exchange[];
  /** Whether there are older ones. */
  readonly hasOlder: boolean;
}

/** An exchange as visitors may see it: without providers' markers, its texts cut to what a page may hold. */
const shown = (exchange: Exchange): Exchange => {
  const user = cutTo(MAX_TEXT_CHARS, exchange.user);
  const bot = exchange.bot === null ? null : withoutMarkers(cutTo(MAX_TEXT_CHARS, exchange.bot));
  const isCut = [exchange.user, exchange.bot ?? ''].some(({ length }) => length > MAX_TEXT_CHARS);
  return { ...exchange, user, bot, ...(isCut && { truncated: true }) };
};

const sizeOf = ({ user, bot }: Exchange): number => user.length + (bot?.length ?? 0);

/**
 * A visitor's newest exchanges, at most `limit`, those older than the exchange `before` if given. A page ends early where
 * its texts are long; one exchange is always on it, its texts cut where they are very long.
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
      newestFirst.push(shown(exchange));
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
