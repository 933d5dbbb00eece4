import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Turn } from '../../chat/live-turns.ts';
import { type Exchange, type Visitor, visitorKey } from '../../chat/model.ts';
import { type AppError, filesNotTaken, invalidRequest } from '../../errors.ts';
import { acceptMessage } from '../accept-message.ts';
import type { AppEnv } from '../context.ts';
import type { RouteDeps } from '../route-deps.ts';
import { messageText, userId } from '../schemas.ts';
import { bearer, type Identity, type Speaker, whoSpeaks } from '../who-speaks.ts';

/** What the dialects of published chat windows share: their session ids are names on trust that the client makes. */

/** What each of them is made of. */
export type ClientFormDeps = Pick<RouteDeps, 'chat' | 'edge' | 'identity' | 'limits' | 'messages'>;

/** A client-made session id; a `user_id` on trust. */
export const clientId = userId;

/**
 * Who speaks: a session token or a site key in `Authorization` decides, as everywhere; a session token makes the
 * client-made id beside it meaningless. Without a token the id is a `user_id` on trust.
 * @throws AppError as {@link whoSpeaks}
 */
export const clientSpeaker = async (
  c: Context<AppEnv>,
  claimed: { readonly id: string | undefined; readonly sessionToken?: string | undefined },
  identity: Identity,
): Promise<Speaker> => {
  const authorization = c.req.header('authorization');
  const given = bearer(authorization);
  const isByToken =
    (given !== undefined && !identity.isSiteKey(given)) || (given === undefined && claimed.sessionToken);
  return whoSpeaks(
    { authorization, sessionToken: claimed.sessionToken, userId: isByToken ? undefined : claimed.id },
    identity,
  );
};

/** Turns in flight by visitor, for clients that know their conversation but not the exchange. Of this process alone. */
export interface RunningTurns {
  /** The visitor's newest turn that is still running here. */
  of(visitor: Visitor): Turn | undefined;
  add(turn: Turn): void;
}

export const createRunningTurns = (): RunningTurns => {
  const turns = new Map<string, Turn>();
  return {
    of: (visitor) => turns.get(visitorKey(visitor)),
    add: (turn) => {
      const key = visitorKey(turn.visitor);
      turns.set(key, turn);
      const forget = () => {
        if (turns.get(key) === turn) turns.delete(key);
      };
      turn.outcome.then(forget, forget);
    },
  };
};

/**
 * What a reader of all events has not been told when the final one comes: the whole answer, where it comes from the log.
 * @param n The number of the final event.
 */
export const untold = (n: number, { bot }: Exchange): string => (n === 1 ? (bot ?? '') : '');

/** Accepts a client's message. @throws AppError as `Chat.send`, `invalid_request`, `rate_limited` */
export const acceptText = async (
  c: Context<AppEnv>,
  said: {
    readonly speaker: Speaker;
    readonly text: unknown;
    /** What the client calls the text. */
    readonly field: string;
    readonly key?: string | undefined;
  },
  deps: ClientFormDeps,
): Promise<Turn> => {
  const { speaker, field, key } = said;
  const text = messageText(deps.messages.maxChars, field).safeParse(said.text);
  if (!text.success) throw invalidRequest(text.error.issues[0]?.message ?? `${field} is not valid.`);
  return acceptMessage(c, { speaker, text: text.data, key }, deps);
};

/** Reads a body or query by its schema. @throws AppError `invalid_request` */
export const parsed = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidRequest(result.error.issues[0]?.message ?? 'The request is not valid.');
};

/** A refusal that is a plain sentence, for clients that show a response's text as it is. */
export const plainRefusal = (c: Context<AppEnv>, error: AppError): Response =>
  c.text(error.message, error.status);

/** Refuses files in a sentence: these clients send them as multipart forms. @throws AppError `invalid_request` */
export const refuseFiles = (c: Context<AppEnv>): void => {
  if (/^multipart\//i.test(c.req.header('content-type') ?? '')) {
    throw filesNotTaken();
  }
};

/** Session ids that nobody guesses: a conversation may be shown again to whoever has one. */
export const isUnguessable = (id: string): boolean => z.uuidv4().safeParse(id).success;
