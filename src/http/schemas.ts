import { z } from '@hono/zod-openapi';

/** NUL and lone surrogates are in no text that a person wrote, and not every store can keep them. */
const isCleanText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** The ids that mean that there is none. */
const NOBODY: readonly unknown[] = [null, '', 'anonymous'];

const error = 'user_id must be a text of 1 to 128 characters, or a whole number.';
const userId = z
  .union([z.string().max(128, { error }).refine(isCleanText, { error }), z.int({ error }), z.null()], {
    error,
  })
  .optional()
  .transform((id) => (id === undefined || NOBODY.includes(id) ? undefined : String(id)))
  .openapi({
    description: 'Names the visitor. Absent, null, "" and "anonymous": an anonymous visitor.',
    example: 'user123',
  });

/** @param maxChars The longest message, in UTF-16 units. */
const message = (maxChars: number) => {
  const error = `message must be a text of 1 to ${maxChars} characters.`;
  return z
    .string({ error })
    .trim()
    .min(1, { error })
    .max(maxChars, { error })
    .refine(isCleanText, { error: 'message must not hold NUL characters or broken surrogates.' })
    .openapi({ example: 'Hello, how are you?' });
};

const keyError = 'Idempotency-Key must be 1 to 255 visible ASCII characters.';
/** What goes with a message, beside its body. */
export const chatHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, { error: keyError })
    .optional()
    .openapi({
      description: 'Names the message, so that it can be sent again without a second run, for 24 hours.',
      example: '5f0c8b1e-7a53-4c1e-9d1a-2f6f4d6f1a10',
    }),
});

/** The body of POST /api/chat. */
export const chatRequest = (maxChars: number) =>
  z
    .object(
      {
        user_id: userId,
        message: message(maxChars),
        session_token: z
          .string({ error: 'session_token must be a text.' })
          .max(4_096, { error: 'session_token is too long.' })
          .nullish(),
      },
      { error: 'The body must be a JSON object.' },
    )
    .openapi('ChatRequest');

/** The answer of POST /api/chat. */
export const chatAnswer = z
  .object({
    answer: z.string(),
    id: z.string().openapi({ description: 'Names the exchange.' }),
    session_token: z.string().optional().openapi({
      description: 'With the first answer to an anonymous visitor: send it with the next message.',
    }),
    truncated: z.literal(true).optional().openapi({ description: 'The model was cut short.' }),
  })
  .openapi('ChatAnswer');

export type ChatAnswer = z.output<typeof chatAnswer>;

/** Every failure. */
export const errorAnswer = z
  .object({ error: z.object({ code: z.string(), message: z.string(), request_id: z.string() }) })
  .openapi('Error');
