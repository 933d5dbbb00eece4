import { randomUUID } from 'node:crypto';
import { type VisitorSummary, visitorKey, visitorOf } from '../../chat/model.ts';
import type { Clock } from '../../chat/ports.ts';
import type { Store } from '../../chat/store-port.ts';
import { logUnavailable } from '../../errors.ts';
import type { Journal } from './journal.ts';
import type { Memory } from './memory.ts';
import { clearedLine, endedLine, eraseLine, threadLine, vouchedLine } from './records.ts';
import type { Snapshots } from './snapshots.ts';

/** Exchanges in one line of the journal. */
const CLEARED_AT_ONCE = 2000;

type SessionFacts = Pick<
  Store,
  'clear' | 'visitors' | 'markVerified' | 'isVerified' | 'endToken' | 'hasEnded'
>;

/** What the store keeps of sessions: who was vouched for, which tokens ended, what was cleared. */
export const createSessionFacts = (deps: {
  memory: Memory;
  journal: Journal;
  snapshots: Snapshots;
  clock: Clock;
}): SessionFacts => {
  const { memory, journal, snapshots, clock } = deps;

  /** Given up where the disk fails, as the taking of a message is: someone waits, and can try again. */
  const append = (line: string): Promise<void> => journal.append(line, randomUUID());

  return {
    async clear(visitor, keepLog) {
      const ids = memory.log.idsOf(visitor);
      const erasure = { visitor: visitorKey(visitor), until: clock.now() / 1000 };
      const lines = [threadLine(visitor, undefined)];
      for (let at = 0; at < ids.length; at += CLEARED_AT_ONCE) {
        lines.push(clearedLine(ids.slice(at, at + CLEARED_AT_ONCE), keepLog));
      }
      if (!keepLog) lines.push(eraseLine(erasure));
      const durable = append(lines.join(''));
      // In memory before it is durable, as an exchange is; where the disk fails, the next snapshot has it.
      memory.setThread(visitor, undefined);
      memory.clear(ids, keepLog);
      if (!keepLog) memory.erasing.push(erasure);
      snapshots.changed();
      await durable;
      if (keepLog) return;
      // What is to be gone must not wait in the files and in the journal for the next rewrite.
      await snapshots.now().catch((cause: unknown) => {
        throw logUnavailable({ cause });
      });
      if (memory.erasing.includes(erasure)) {
        throw logUnavailable({ cause: new Error('the archive could not be rewritten') });
      }
    },
    async visitors({ limit, after, name: wanted }) {
      const found: VisitorSummary[] = [];
      let isPast = after === undefined;
      for (const { key, count, last, name } of memory.log.visitors()) {
        if (found.length >= limit) break;
        if (isPast && (wanted === undefined || name === wanted)) {
          const summary = { key, visitor: visitorOf(key), messages: count, lastSeen: last.timestamp };
          found.push(name === undefined ? summary : { ...summary, name });
        }
        isPast ||= key === after;
      }
      return found;
    },
    async markVerified(userId) {
      if (memory.vouched.has(userId)) return;
      const durable = append(vouchedLine(userId));
      memory.vouched.add(userId);
      try {
        await durable;
      } catch (error) {
        memory.vouched.delete(userId);
        throw error;
      }
    },
    async isVerified(userId) {
      return memory.vouched.has(userId);
    },
    async endToken(token, until) {
      if (memory.ended.has(token)) return false;
      const durable = append(endedLine(token, until));
      memory.end(token, until, clock.now() / 1000);
      try {
        await durable;
      } catch (error) {
        memory.ended.delete(token);
        throw error;
      }
      return true;
    },
    async hasEnded(token) {
      return memory.ended.has(token);
    },
  };
};
