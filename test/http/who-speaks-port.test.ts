import { describe, expect, it } from 'vitest';
import { logUnavailable } from '../../src/errors.ts';
import { whoSpeaks } from '../../src/http/who-speaks.ts';
import { createSessionTokens } from '../../src/identity/session-tokens.ts';
import { SITE_KEY } from '../helpers/api.ts';

const identity = (markVerified: (id: string) => Promise<void>) => ({
  tokens: createSessionTokens({
    secrets: ['a-secret-of-at-least-thirty-two-characters'],
    ...{ ttl: 60_000, max: 60_000, grace: 0 },
    ended: { endToken: async () => true, hasEnded: async () => false },
    clock: { now: () => Date.now() },
  }),
  mode: 'open' as const,
  isSiteKey: (given: string) => given === SITE_KEY,
  verifiedUsers: { markVerified, isVerified: async () => false },
});
const claims = { authorization: `Bearer ${SITE_KEY}`, userId: 'ann' };

describe('who speaks with a site key', () => {
  it('is refused where it cannot be kept that the user is a verified one: others could go on under the name', async () => {
    const failing = identity(async () => {
      throw logUnavailable();
    });
    await expect(whoSpeaks(claims, failing)).rejects.toMatchObject({ code: 'log_unavailable' });
  });

  it('speaks only when that is kept', async () => {
    const { promise: kept, resolve } = Promise.withResolvers<void>();
    let speaks = false;
    const speaker = whoSpeaks(
      claims,
      identity(() => kept),
    ).finally(() => {
      speaks = true;
    });
    await new Promise((later) => setImmediate(later));
    expect(speaks).toBe(false);
    resolve();
    expect((await speaker).visitor).toEqual({ kind: 'verified', id: 'ann' });
  });
});
