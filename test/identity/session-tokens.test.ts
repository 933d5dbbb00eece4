import { describe, expect, it } from 'vitest';
import { createSecretMatch } from '../../src/identity/secret-match.ts';
import { createSessionTokens } from '../../src/identity/session-tokens.ts';

const SECRET = 'a-secret-of-at-least-thirty-two-characters';
const MINUTE = 60_000;

/** Tokens under a clock of the test's own. */
const tokensAt = (options: { ttl?: number; max?: number; grace?: number; secrets?: string[] } = {}) => {
  const clock = { time: Date.now() + 120 * MINUTE, now: () => clock.time };
  const known = new Map<string, number>();
  const tokens = createSessionTokens({
    secrets: options.secrets ?? [SECRET],
    ttl: options.ttl ?? 10 * MINUTE,
    max: options.max ?? 60 * MINUTE,
    grace: options.grace ?? 0,
    clock,
    ended: {
      endToken: async (id, until) => known.size < known.set(id, until).size,
      hasEnded: async (id) => known.has(id),
    },
  });
  return { tokens, clock, known };
};
const expired = { code: 'session_expired' };

describe('a session token', () => {
  it.each(['PRIVATE', 'PUBLIC'])(
    'is signed with a secret that holds the word %s like with any',
    async (word) => {
      const { tokens } = tokensAt({ secrets: [`this-secret-is-a-very-${word}-one-of-ours`] });
      const { token } = await tokens.issue({ userId: 'ann' });
      expect(await tokens.verify(token)).toMatchObject({ userId: 'ann' });
    },
  );

  it('lives for its time, and a session through refreshes for its own', async () => {
    const { tokens, clock } = tokensAt({ max: 25 * MINUTE });
    const begun = clock.time;
    let issued = await tokens.issue({ userId: 'ann', name: 'Ann' });
    for (const minute of [9, 18]) {
      clock.time = begun + minute * MINUTE;
      issued = await tokens.refresh(issued.token);
      expect(issued).toMatchObject({ userId: 'ann', name: 'Ann' });
    }
    // The last one is cut short by the end of the session.
    expect(issued.expiresAt).toBe(Math.floor(begun / 1000) + 25 * 60);
    clock.time = begun + 24 * MINUTE;
    expect(await tokens.verify(issued.token)).toMatchObject({ userId: 'ann' });
    clock.time = begun + 25 * MINUTE;
    await expect(tokens.verify(issued.token)).rejects.toMatchObject(expired);
    await expect(tokens.refresh(issued.token)).rejects.toMatchObject(expired);
  });

  it('may be refreshed for the grace after its end, and opens nothing then', async () => {
    const { tokens, clock, known } = tokensAt({ grace: 5 * MINUTE });
    const { token, expiresAt } = await tokens.issue();
    clock.time += 12 * MINUTE;
    await expect(tokens.verify(token)).rejects.toMatchObject(expired);
    expect(await tokens.verify((await tokens.refresh(token)).token)).toBeDefined();
    // Remembered for as long as it could have been refreshed.
    expect([...known.values()]).toEqual([expiresAt + 300]);
    await expect(tokens.refresh(token)).rejects.toMatchObject(expired);
    const late = await tokens.issue();
    clock.time += 16 * MINUTE;
    await expect(tokens.refresh(late.token)).rejects.toMatchObject(expired);
    await expect(tokens.end(late.token)).rejects.toMatchObject(expired);
  });

  it('can be ended for as long as it could be refreshed: whoever leaves must not be brought back', async () => {
    const { tokens, clock } = tokensAt({ grace: 5 * MINUTE });
    const { token } = await tokens.issue();
    clock.time += 12 * MINUTE;
    await tokens.end(token);
    await expect(tokens.refresh(token)).rejects.toMatchObject(expired);
    await expect(tokens.end(token)).rejects.toMatchObject(expired);
  });

  it('has one successor, also where it is refreshed many times before the first refresh has ended it', async () => {
    const { promise: allHaveAsked, resolve } = Promise.withResolvers<void>();
    let asking = 0;
    const ended = new Set<string>();
    const tokens = createSessionTokens({
      ...{ secrets: [SECRET], ttl: MINUTE, max: MINUTE, grace: 0, clock: { now: () => Date.now() } },
      ended: {
        endToken: async (id) => ended.size < ended.add(id).size,
        // All of them pass this check before any of them goes on.
        hasEnded: async (id) => {
          const hasEnded = ended.has(id);
          asking += 1;
          if (asking === 8) resolve();
          await allHaveAsked;
          return hasEnded;
        },
      },
    });
    const { token } = await tokens.issue();
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => tokens.refresh(token)));
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(all.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))).toEqual(
      Array.from({ length: 7 }, () => 'session_expired'),
    );
  });

  it('has no grace after the end of the whole session', async () => {
    const { tokens, clock } = tokensAt({ max: 10 * MINUTE, grace: 60 * MINUTE });
    const { token } = await tokens.issue();
    clock.time += 11 * MINUTE;
    await expect(tokens.refresh(token)).rejects.toMatchObject(expired);
  });

  it('is good at once for a process whose clock is behind, and not one from the future', async () => {
    const { tokens, clock } = tokensAt();
    const { token } = await tokens.issue();
    clock.time -= 20_000;
    expect(await tokens.verify(token)).toBeDefined();
    clock.time -= 20_000;
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'session_invalid' });
  });

  it('is verified in a moment', async () => {
    const { tokens } = tokensAt();
    const { token } = await tokens.issue({ userId: 'ann' });
    for (let i = 0; i < 500; i++) await tokens.verify(token);
    const start = performance.now();
    for (let i = 0; i < 2000; i++) await tokens.verify(token);
    // On a quiet machine it takes less than 0.1 ms; a busy one shall not fail the build.
    expect((performance.now() - start) / 2000).toBeLessThan(1);
  });
});

describe('a secret', () => {
  it('matches itself alone, wherever it stands in the list', () => {
    const matches = createSecretMatch(['one-secret', 'another-secret']);
    for (const good of ['one-secret', 'another-secret']) expect(matches(good)).toBe(true);
    for (const bad of ['', 'one-secre', 'one-secret ', 'One-secret', 'one-secretx', '\0'])
      expect(matches(bad)).toBe(false);
    expect(createSecretMatch([])('')).toBe(false);
  });
});
