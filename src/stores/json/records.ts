import { z } from 'zod';
import type { AcceptedMessage, Exchange, UpstreamThread, Visitor } from '../../chat/model.ts';
import { logFields } from '../../log-file/log-fields.ts';
import { storedExchange } from '../../log-file/stored-exchange.ts';

const visitor = z.object({ kind: z.enum(['user', 'verified', 'anonymous']), id: z.string() });

export const takenMessage = z.object({
  id: z.string().min(1),
  visitor,
  name: z.string().optional(),
  user: z.string(),
  timestamp: z.number(),
  key: z.string().optional(),
});

export const upstreamThread = z.object({ id: z.string(), madeBy: z.string() });

/** Which exchanges go into which archive files: what is promised before the first of them is written. */
export const archiveIntent = z.object({
  files: z.array(z.object({ name: z.string(), ids: z.array(z.string()) })),
});
export type ArchiveIntent = z.infer<typeof archiveIntent>;

/** What is to go from the archive: a visitor's exchanges until a time. */
export const erasure = z.object({
  /** visitorKey() of the visitor. */
  visitor: z.string(),
  /** Seconds since 1970. */
  until: z.number(),
});
export type Erasure = z.infer<typeof erasure>;

const namedExchange = storedExchange.extend({ id: z.string().min(1) });

/** As {@link storedExchange}, but all of it: what zod gives back lacks fields that it did not understand. */
const takenOver = z.unknown().transform((raw, context) => {
  const { data } = namedExchange.safeParse(raw);
  if (data) return { ...data, raw };
  context.addIssue({ code: 'custom', message: 'not an exchange with an id' });
  return z.NEVER;
});

/** One line of the journal. Each says all that is needed to apply it, and may be applied twice. */
export const journalRecord = z.discriminatedUnion('type', [
  z.object({ type: z.literal('part'), number: z.number(), at: z.string() }),
  z.object({ type: z.literal('accepted'), message: takenMessage }),
  z.object({
    type: z.literal('exchange'),
    visitor,
    exchange: namedExchange,
  }),
  z.object({ type: z.literal('imported'), key: z.string(), time: z.number(), exchange: takenOver }),
  z.object({ type: z.literal('thread'), visitor, thread: upstreamThread.nullable() }),
  z.object({ type: z.literal('fact'), name: z.string(), value: z.string() }),
  z.object({ type: z.literal('day'), day: z.string(), count: z.number() }),
  z.object({ type: z.literal('dropped'), ids: z.array(z.string()) }),
  z.object({ type: z.literal('cleared'), ids: z.array(z.string()), keep: z.boolean() }),
  z.object({ type: z.literal('erase'), erasure }),
  z.object({ type: z.literal('vouched'), id: z.string() }),
  z.object({ type: z.literal('ended'), token: z.string(), until: z.number() }),
  z.object({ type: z.literal('archive'), intent: archiveIntent }),
]);
export type JournalRecord = z.infer<typeof journalRecord>;

/** The exchange as conversations.json has it, in one line. */
export const exchangeJson = (exchange: Exchange): string =>
  JSON.stringify(logFields(exchange, exchange.visitor));

/** An exchange's line that says that its visitor cleared it. */
export const withClearedMark = (json: string): string => `${json.trimEnd().slice(0, -1)},"cleared":true}`;

const line = (record: z.input<typeof journalRecord>): string => `${JSON.stringify(record)}\n`;

/** The first line of a part. Nothing reads its time but people. */
export const partLine = (number: number, at: number): string =>
  line({ type: 'part', number, at: new Date(at).toISOString() });
export const takenLine = ({ id, visitor: by, name, user, timestamp, key }: AcceptedMessage): string =>
  line({ type: 'accepted', message: { id, visitor: by, name, user, timestamp, key } });
/** @param json What {@link exchangeJson} gave: it is not serialised twice. */
export const exchangeLine = (by: Visitor, json: string): string =>
  `{"type":"exchange","visitor":${JSON.stringify({ kind: by.kind, id: by.id })},"exchange":${json}}\n`;
/** @param json The exchange with its id, in one line. */
export const importedLine = (key: string, time: number, json: string): string =>
  `{"type":"imported","key":${JSON.stringify(key)},"time":${time},"exchange":${json}}\n`;
export const threadLine = (by: Visitor, thread: UpstreamThread | undefined): string =>
  line({
    type: 'thread',
    visitor: { kind: by.kind, id: by.id },
    thread: thread ? { id: thread.id, madeBy: thread.madeBy } : null,
  });
export const factLine = (name: string, value: string): string => line({ type: 'fact', name, value });
export const dayLine = (day: string, count: number): string => line({ type: 'day', day, count });
export const droppedLine = (ids: string[]): string => line({ type: 'dropped', ids });
export const clearedLine = (ids: string[], keep: boolean): string => line({ type: 'cleared', ids, keep });
export const eraseLine = (what: Erasure): string => line({ type: 'erase', erasure: what });
export const vouchedLine = (id: string): string => line({ type: 'vouched', id });
export const endedLine = (token: string, until: number): string => line({ type: 'ended', token, until });
export const archiveLine = (intent: ArchiveIntent): string => line({ type: 'archive', intent });
