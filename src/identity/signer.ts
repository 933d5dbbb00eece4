import { sign, verify } from 'hono/jwt';

/** The one algorithm. It is never taken from a token. */
const ALGORITHM = 'HS256';

/** Signs claims, as JWTs, and knows them again. What claims are for is told apart by their `typ`. */
export interface Signer {
  sign(claims: Record<string, unknown>): Promise<string>;
  /** The claims of a token of ours; undefined: it is none. Its times are for the caller to look at, by its own clock. */
  read(token: string): Promise<unknown>;
}

/** @param secrets The first signs, all verify: a secret is changed by putting the new one in front. */
export const createSigner = (secrets: readonly string[]): Signer => {
  const [signing] = secrets;
  if (signing === undefined) throw new Error('tokens need a secret');
  return {
    sign: (claims) => sign(claims, signing, ALGORITHM),
    read: async (token) => {
      for (const secret of secrets) {
        const options = { alg: ALGORITHM, exp: false, iat: false } as const;
        const claims = await verify(token, secret, options).catch(() => undefined);
        if (claims) return claims;
      }
      return undefined;
    },
  };
};
