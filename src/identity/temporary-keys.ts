import { z } from 'zod';
import { createSigner } from './signer.ts';

/** Long enough for a page that a server has just given it to, and too short to be worth keeping. */
const LIFE_S = 60 * 60;

/** `typ` distinguishes it from session tokens, which the same secrets sign: neither is accepted as the other. */
const claims = z.object({ typ: z.literal('temporary_key'), exp: z.number() });

/** A key that lets a page begin a session for an hour, in place of a site key, which no page may have. */
export interface TemporaryKey {
  readonly key: string;
  /** When it ends: seconds since 1970. */
  readonly expiresAt: number;
}

/** Makes and verifies temporary keys. They are not stored, and so cannot be revoked. */
export interface TemporaryKeys {
  issue(): Promise<TemporaryKey>;
  isGood(given: string): Promise<boolean>;
}

/** @param deps.secrets As of session tokens: the first signs, all verify. */
export const createTemporaryKeys = (deps: {
  secrets: readonly string[];
  clock: { now(): number };
}): TemporaryKeys => {
  const { clock } = deps;
  const signer = createSigner(deps.secrets);
  return {
    issue: async () => {
      const now = Math.floor(clock.now() / 1000);
      const expiresAt = now + LIFE_S;
      const payload = { typ: 'temporary_key', iat: now, exp: expiresAt };
      return { key: await signer.sign(payload), expiresAt };
    },
    isGood: async (given) => {
      const { data } = claims.safeParse(await signer.read(given));
      return data !== undefined && data.exp * 1000 > clock.now();
    },
  };
};
