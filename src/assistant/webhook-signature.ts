import { createHmac } from 'node:crypto';

/** The Standard Webhooks specification asks for keys of 24 to 64 bytes. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;
const PREFIX = 'whsec_';

/** What a webhook's secret looks like, and how to make one. */
export const SECRET_TAKES =
  'whsec_ and the base64 of 24 to 64 random bytes, as of: echo "whsec_$(openssl rand -base64 32)"';

/**
 * The key in a Standard Webhooks secret; undefined where the text is not one. Only the specification's own form
 * is taken: a secret without its prefix is base64 to some libraries and plain text to others, and the two sides
 * would then disagree without a word.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const webhookKey = (secret: string): Buffer | undefined => {
  if (!secret.startsWith(PREFIX)) return undefined;
  const base64 = secret.slice(PREFIX.length);
  const key = Buffer.from(base64, 'base64');
  // Node skips what is not base64; a key that was mistyped must not become a shorter one.
  if (key.toString('base64') !== base64) return undefined;
  return key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES ? key : undefined;
};

/** `webhook-signature`: HMAC-SHA256 over `id.timestamp.body`. @param timestamp Seconds since 1970. */
export const signatureOf = (key: Buffer, id: string, timestamp: number, body: string): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
