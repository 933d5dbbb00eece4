import { readTime } from './log-times.ts';

/** A message of a list `[{role, content}]`, as chat APIs and many bots keep them. */
export interface LoggedMessage {
  readonly role: 'user' | 'assistant';
  readonly text: string;
  /** As it stands there; undefined where there is none. */
  readonly time: number | undefined;
  readonly id: string | undefined;
  /** Where it is in the file, in bytes. */
  readonly at: number;
}

/** An exchange in the form of conversations.json, made of messages. */
export interface PairedExchange {
  readonly raw: { user: string; bot: string | null; timestamp?: number; id?: string };
  readonly at: number;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const TIME_FIELDS = ['timestamp', 'created_at', 'createdAt', 'created', 'time', 'date'];
const OWNER_FIELDS = [
  'user_id',
  'userId',
  'visitor_id',
  'session_id',
  'sessionId',
  'thread_id',
  'conversation_id',
];
const ROLES: Readonly<Record<string, LoggedMessage['role'] | undefined>> = {
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  ai: 'assistant',
  bot: 'assistant',
  model: 'assistant',
};

/** Whose a record is, by the first field that says so; undefined where none does. */
export const ownerField = (value: unknown): { name: string; key: string } | undefined => {
  if (!isFields(value)) return undefined;
  for (const name of OWNER_FIELDS) {
    const owner = value[name];
    if (owner === null || owner === '') return { name, key: 'anonymous' };
    if (typeof owner === 'string') return { name, key: owner };
    if (typeof owner === 'number' && Number.isSafeInteger(owner)) return { name, key: String(owner) };
  }
  return undefined;
};

/** Text, or the text parts of a content, as `{text: "…"}` or as `{text: {value: "…"}}`. */
const contentText = (content: unknown): string | undefined => {
  if (content === null) return '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  return content
    .map((part: unknown) => {
      const text = isFields(part) ? part.text : part;
      const value = isFields(text) ? text.value : text;
      return typeof value === 'string' ? value : '';
    })
    .join('');
};

/** Whether it is a message, of whichever role. */
export const isMessage = (value: unknown): value is Fields & { role: string } =>
  isFields(value) && typeof value.role === 'string' && 'content' in value && !('user' in value);

/** The message; `none`: one that no visitor saw (of the system, of a tool); undefined: it is not understood. */
export const readMessage = (
  value: Fields & { role: string },
  at: number,
): LoggedMessage | 'none' | undefined => {
  const role = ROLES[value.role.toLowerCase()];
  if (role === undefined) return 'none';
  const text = contentText(value.content);
  if (text === undefined) return undefined;
  const time = TIME_FIELDS.map((name) => readTime(value[name])).find((found) => found !== undefined);
  return { role, text, time, id: typeof value.id === 'string' ? value.id : undefined, at };
};

/** By time where all have one; some APIs list the newest first. */
const inOrder = (messages: readonly LoggedMessage[]): readonly LoggedMessage[] => {
  if (!messages.every(({ time }) => time !== undefined)) return messages;
  const isNewestFirst = (messages[0]?.time ?? 0) > (messages.at(-1)?.time ?? 0);
  const listed = isNewestFirst ? messages.toReversed() : messages;
  return listed.toSorted((a, b) => (a.time ?? 0) - (b.time ?? 0));
};

/**
 * Makes exchanges of a conversation's messages: what the user said, and all that was answered before they said more. A
 * greeting, which answers nothing, is left out; a message that nobody answered has `bot: null`.
 */
export const pairMessages = (messages: readonly LoggedMessage[]): PairedExchange[] => {
  const exchanges: PairedExchange[] = [];
  let last: LoggedMessage | undefined;
  for (const message of inOrder(messages)) {
    const now = exchanges.at(-1);
    if (message.role === 'user') {
      if (last?.role === 'user' && now) now.raw.user += `\n${message.text}`;
      else {
        const { text, time, id, at } = message;
        const raw = {
          user: text,
          bot: null,
          ...(time !== undefined && { timestamp: time }),
          ...(id !== undefined && { id }),
        };
        exchanges.push({ raw, at });
      }
    } else if (now && message.text !== '') {
      now.raw.bot = now.raw.bot === null ? message.text : `${now.raw.bot}\n${message.text}`;
    }
    last = message;
  }
  return exchanges;
};
