import { z } from '@hono/zod-openapi';

/** NUL and lone surrogates are in no text that a person wrote, and not every store can keep them. */
export const isCleanText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** The ids that mean that there is none. */
const NOBODY: readonly unknown[] = [null, '', 'anonymous'];

const error = 'user_id must be a text of 1 to 128 characters, or a whole number.';
/** A `user_id`; undefined where it means that there is none. */
export const userId = z
  .union([z.string().max(128, { error }).refine(isCleanText, { error }), z.int({ error }), z.null()], {
    error,
  })
  .optional()
  .transform((id) => (id === undefined || NOBODY.includes(id) ? undefined : String(id)))
  .openapi({
    description: 'Names the visitor. Absent, null, "" and "anonymous": an anonymous visitor.',
    example: 'user123',
  });

/**
 * A message's text.
 * @param maxChars The longest one, in UTF-16 units.
 * @param field What the caller calls it.
 */
export const messageText = (maxChars: number, field = 'message') => {
  const error = `${field} must be a text of 1 to ${maxChars} characters.`;
  return (
    z
      .string({ error })
      .trim()
      .min(1, { error })
      .max(maxChars, { error })
      // A text box that cuts in the middle of an emoji leaves half of it: no reason to refuse the message.
      .overwrite((text) => text.toWellFormed())
      .refine(isCleanText, { error: `${field} must not hold NUL characters.` })
      .openapi({ example: 'Hello, how are you?' })
  );
};

/** What a visitor calls itself. @param field What the caller calls it. */
export const visitorName = (field: string) => {
  const error = `${field} must be a text of 1 to 128 characters.`;
  return z
    .string({ error })
    .trim()
    .min(1, { error })
    .max(128, { error })
    .refine(isCleanText, { error: `${field} must not hold NUL characters or broken surrogates.` });
};

/** The body of POST /api/session. */
export const sessionRequest = z
  .object(
    {
      user_id: userId,
      name: visitorName('name')
        .nullish()
        .transform((name) => name ?? undefined),
    },
    { error: 'The body must be a JSON object.' },
  )
  .openapi('SessionRequest');

/** An idempotency key. @param name What the caller calls it. */
export const messageKey = (name: string) =>
  z
    .string({ error: `${name} must be a text.` })
    .regex(/^[\x21-\x7e]{1,255}$/, { error: `${name} must be 1 to 255 visible ASCII characters.` });

/** What goes with a message, beside its body. */
export const chatHeaders = z.object({
  'idempotency-key': messageKey('Idempotency-Key').optional().openapi({
    description: 'Names the message, so that it can be sent again without a second run, for 24 hours.',
    example: '5f0c8b1e-7a53-4c1e-9d1a-2f6f4d6f1a10',
  }),
});

const sessionToken = z
  .string({ error: 'session_token must be a text.' })
  .max(4_096, { error: 'session_token is too long.' })
  .refine(isCleanText, { error: 'session_token must not hold NUL characters or broken surrogates.' })
  .nullish();

/**
 * The body of POST /api/chat.
 * @param maxChars The longest message, in UTF-16 units.
 * @param more Fields of dialects beside ours.
 */
export const chatRequest = (maxChars: number, more: z.ZodRawShape) =>
  z.object(
    {
      ...more,
      user_id: userId,
      message: messageText(maxChars),
      session_token: sessionToken,
    },
    { error: 'The body must be a JSON object.' },
  );

/** The documents that an answer quotes. */
export const answerSources = z
  .array(
    z.object({
      n: z.number().openapi({ description: 'The number by which the answer marks it: `[1]`.' }),
      title: z.string(),
      url: z.string().optional(),
      place: z.string().optional().openapi({ description: 'Where in it: a heading, a page.' }),
    }),
  )
  .readonly()
  .optional()
  .openapi({ description: 'Absent where it quotes none.' });

/** The answer of POST /api/chat. */
export const chatAnswer = z.object({
  answer: z.string(),
  id: z.string().openapi({ description: 'Names the exchange.' }),
  session_token: z.string().optional().openapi({
    description: 'With the first answer to an anonymous visitor: send it with the next message.',
  }),
  truncated: z.literal(true).optional().openapi({ description: 'The model was cut short.' }),
  sources: answerSources,
});

export type ChatAnswer = z.output<typeof chatAnswer>;

const COMMENT_MAX = 1_000;
const wrongComment = `comment must be a text of at most ${COMMENT_MAX} characters.`;
/** The body of POST /api/feedback. */
export const feedbackRequest = z
  .object(
    {
      id: z
        .string({ error: 'id must be the id of an exchange.' })
        .max(128, { error: 'id must be the id of an exchange.' })
        .refine(isCleanText, { error: 'id must be the id of an exchange.' })
        .openapi({ description: 'The exchange.' }),
      rating: z
        .enum(['up', 'down'], { error: 'rating must be up, down or null.' })
        .nullable()
        .openapi({ description: 'null takes an earlier rating back.' }),
      comment: z
        .string({ error: wrongComment })
        .trim()
        .max(COMMENT_MAX, { error: wrongComment })
        .refine((text) => !text.includes('\0'), { error: 'comment must not hold NUL characters.' })
        .transform((text) => text.toWellFormed())
        .nullish(),
      session_token: sessionToken,
    },
    { error: 'The body must be a JSON object.' },
  )
  .openapi('FeedbackRequest');

/** A session and its token. */
export const sessionAnswer = z
  .object({
    session_token: z.string(),
    session_id: z.string(),
    user_id: z.string().openapi({ description: '"anonymous" for an anonymous visitor.' }),
    expires_at: z.number().openapi({ description: 'When the token ends: seconds since 1970.' }),
    name: z.string().optional(),
  })
  .openapi('Session');

/**
 * Where a page of a list begins or ends: what another page gave.
 * @param error What the caller is told of any other text.
 */
export const pageMark = (maxChars: number, error: string) =>
  z.string({ error }).max(maxChars, { error }).refine(isCleanText, { error }).optional();

const HISTORY_MAX = 100;
const wrongLimit = `limit must be a whole number, 1 to ${HISTORY_MAX}.`;
/** How much of a list one answer holds. */
export const pageLimit = z.coerce
  .number({ error: wrongLimit })
  .int({ error: wrongLimit })
  .min(1, { error: wrongLimit })
  .max(HISTORY_MAX, { error: wrongLimit })
  .default(20);

/** For whom a site key speaks, where there is no body. */
export const visitorQuery = z.object({ user_id: userId });

/** Where a page of the history ends. */
export const historyQuery = visitorQuery.extend({
  before: pageMark(128, 'before must be the id of an exchange.'),
  limit: pageLimit,
});

/** A page of a visitor's exchanges. */
export const historyAnswer = z
  .object({
    history: z
      .array(
        z.object({
          id: z.string(),
          user: z.string(),
          bot: z.string().nullable(),
          timestamp: z.number().openapi({ description: 'When the message came: seconds since 1970.' }),
          error: z.string().optional(),
          truncated: z.literal(true).optional(),
          sources: answerSources,
          feedback: z
            .object({ rating: z.enum(['up', 'down']), comment: z.string().optional() })
            .optional()
            .openapi({ description: 'What the visitor thought of the answer.' }),
        }),
      )
      .openapi({ description: 'Oldest first.' }),
    before: z.string().optional().openapi({ description: 'Where the page with older ones begins.' }),
  })
  .openapi('History');

export type HistoryAnswer = z.output<typeof historyAnswer>;

/** Every failure. */
export const errorAnswer = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string().openapi({ description: 'For the visitor, in the language of Accept-Language.' }),
      detail: z
        .string()
        .optional()
        .openapi({ description: 'What is wrong with the request, for developers.' }),
      request_id: z.string(),
    }),
  })
  .openapi('Error');
