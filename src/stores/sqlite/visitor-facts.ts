import { visitorKey } from '../../chat/model.ts';
import type { Clock } from '../../chat/ports.ts';
import type {
  DailyCount,
  EndedTokens,
  Facts,
  FeedbackLog,
  Threads,
  Transcript,
  VerifiedUsers,
} from '../../chat/store-port.ts';
import type { GroupCommit } from '../../sqlite/group-commit.ts';
import type { Call } from '../../sqlite/protocol.ts';
import type { OpenedRoom } from '../../sqlite/room.ts';
import type { Gone } from '../log-copy/edited-copies.ts';
import type { Look } from './look.ts';
import type { Overlay } from './overlay.ts';

type VisitorFacts = Pick<Transcript, 'clear' | 'visitors'> &
  FeedbackLog &
  VerifiedUsers &
  EndedTokens &
  Threads &
  Facts &
  DailyCount;

/** What the store keeps beside messages and exchanges. */
export const createVisitorFacts = (deps: {
  writer: GroupCommit;
  core: Pick<OpenedRoom<typeof import('./core-writes.ts')>, 'write'>;
  look: Look;
  overlay: Overlay;
  callOf: (name: string, input: unknown) => Call;
  days: Map<string, number>;
  clock: Clock;
  /** Removes what was erased from the write-ahead log, conversations.json and the archive. */
  erased: (gone: Gone) => Promise<void>;
}): VisitorFacts => {
  const { writer, core, look, overlay, callOf, days, clock, erased } = deps;
  const verifying = new Map<string, Promise<void>>();

  /** Writes with what comes next. */
  const note = (name: string, input: unknown, replaces?: string): Promise<unknown> => {
    const written = writer.write(callOf(name, input), { urgency: 'lazy', ...(replaces && { replaces }) });
    written.catch(() => undefined);
    return written;
  };

  return {
    async clear(visitor, keepLog) {
      const key = visitorKey(visitor);
      const written = core.write('clear', { visitor: key, keep: keepLog });
      overlay.threads.keep(key, undefined, written);
      await written;
      if (!keepLog) await erased({ visitor });
    },
    visitors: (page) => look('visitors', page),

    setFeedback: (id, visitor, feedback) =>
      core.write('setFeedback', { id, visitor: visitorKey(visitor), feedback }),

    async markVerified(userId) {
      if (await look('isVerified', userId)) return;
      // Whoever comes meanwhile waits for the same write.
      const written = verifying.get(userId) ?? core.write('markVerified', userId);
      verifying.set(userId, written);
      await written.finally(() => verifying.delete(userId));
    },
    isVerified: (userId) => look('isVerified', userId),

    endToken: (token, until) => core.write('endToken', { token, until, now: clock.now() / 1000 }),
    hasEnded: (token) => look('hasEnded', token),

    async thread(visitor) {
      const key = visitorKey(visitor);
      if (overlay.threads.has(key)) return overlay.threads.get(key);
      return (await look('standing', key)).thread ?? undefined;
    },
    setThread(visitor, thread) {
      const key = visitorKey(visitor);
      overlay.threads.keep(key, thread, note('setThread', { visitor: key, thread }));
    },

    async fact(name) {
      return (overlay.facts.has(name) ? overlay.facts.get(name) : await look('fact', name)) || undefined;
    },
    setFact(name, value) {
      overlay.facts.keep(name, value, note('setFact', { name, value }));
    },

    async countMessage(day, by = 1) {
      const count = (days.get(day) ?? 0) + by;
      days.set(day, count);
      void note('setDay', { day, count }, `day ${day}`);
      return count;
    },
  };
};
