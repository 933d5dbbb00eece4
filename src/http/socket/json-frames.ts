import { z } from 'zod';
import { type AppError, invalidJson, invalidRequest } from '../../errors.ts';
import { toChatAnswer } from '../answer-fields.ts';
import { eventData } from '../event-data.ts';
import { errorBody } from '../failures.ts';
import { messageKey, messageText } from '../schemas.ts';
import type { Asked, SocketProtocol } from './protocol.ts';

/** No turn has as many events. */
const MAX_EVENTS = 1e9;

const exchangeId = z.string({ error: 'id must be the id of an exchange.' }).max(128, {
  error: 'id must be the id of an exchange.',
});
const after = z
  .int({ error: 'after must be the number of an event, or -1.' })
  .min(-1, { error: 'after must be the number of an event, or -1.' })
  .max(MAX_EVENTS, { error: 'after must be the number of an event, or -1.' })
  .nullish();

/** @param maxChars The longest message, in UTF-16 units. */
const frame = (maxChars: number) =>
  z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('message'), id: messageKey('id'), message: messageText(maxChars) }),
      z.object({ type: z.literal('resume'), id: exchangeId, after }),
      z.object({ type: z.literal('stop'), id: exchangeId }),
      z.object({ type: z.literal('pong') }),
    ],
    { error: 'A frame must be a JSON object whose type is message, resume, stop or pong.' },
  );

/** The frame's name, where what is no good as a frame has one. */
const named = z.object({ id: z.string().max(255) });

const refused = (error: AppError, value?: unknown): Asked => {
  const { data } = named.safeParse(value);
  return { type: 'refused', error, ...(data && { id: data.id }) };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The wire form of GET /api/chat/ws: JSON objects, which carry what server-sent events carry. */
export const jsonFrames = ({ maxChars }: { readonly maxChars: number }): SocketProtocol => {
  const schema = frame(maxChars);
  return {
    read: (text) => {
      const value = parse(text);
      if (value === undefined) return refused(invalidJson());
      const { data, error } = schema.safeParse(value);
      if (!data) return refused(invalidRequest(error.issues[0]?.message ?? 'The frame is not valid.'), value);
      switch (data.type) {
        case 'message':
          return { type: 'message', id: data.id, text: data.message };
        case 'resume':
          return { type: 'resume', id: data.id, from: (data.after ?? -1) + 1 };
        case 'stop':
          return data;
        case 'pong':
          return { type: 'nothing' };
      }
    },
    event: ({ id }, { n, event }, telling) =>
      JSON.stringify({
        type: event.type,
        for: telling.frame,
        event: `${id}:${n}`,
        ...eventData(event, id, telling, {
          toAnswer: ({ exchange }) => toChatAnswer(exchange),
          newToken: undefined,
        }),
      }),
    refusal: (error, telling) =>
      JSON.stringify({
        type: 'error',
        for: telling.frame,
        ...errorBody(error, telling),
        retry_after: error.retryAfter,
      }),
    ping: '{"type":"ping"}',
  };
};
