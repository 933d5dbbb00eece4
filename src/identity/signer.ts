import { sign, verify } from 'hono/jwt';

/** The only algorithm. It is never read from a token. */
const ALGORITHM = 'HS256';

/** Signs claims, as JWTs, and verifies them. Their `typ` says what they are for. */
export interface Signer {
  sign(claims: Record<string, unknown>): Promise<string>;
  /** The claims of a token of ours; undefined: it is none. Its times are for the caller to look at, by its own clock. */
  read(token: string): Promise<unknown>;
}

/**
 * The secret as a key, made once: making it costs as much as checking a token. As a text it would be taken for a key in
 * PEM where it has the word PRIVATE or PUBLIC in it.
 */
const keyOf = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', Buffer.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);

/** @param secrets The first signs, all verify: a secret is changed by putting the new one in front. */
export const createSigner = (secrets: readonly string[]): Signer => {
  const keys = secrets.map(keyOf);
  const [signing] = keys;
  if (signing === undefined) throw new Error('tokens need a secret');
  return {
    sign: async (claims) => sign(claims, await signing, ALGORITHM),
    read: async (token) => {
      for (const key of keys) {
        const options = { alg: ALGORITHM, exp: false, iat: false } as const;
        const claims = await verify(token, await key, options).catch(() => undefined);
        if (claims) return claims;
      }
      return undefined;
    },
  };
};
