import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../chat/ports.ts';

/** How long an operator stays signed in, in seconds. */
export const SIGNED_IN_S = 12 * 60 * 60;
/** How long the link of a start may be used, in milliseconds. */
const LINK_MS = 15 * 60_000;

/** Signing in to the operators' pages. Nothing is stored: another OPS_TOKEN ends every session. */
export interface SignIn {
  /** The text of a new session's cookie. */
  issue(): string;
  isGood(cookie: string | undefined): boolean;
  /** What the forms of a session carry, so that no other page can post for it. */
  csrfToken(cookie: string): string;
  isCsrfToken(cookie: string, given: string): boolean;
  /** A secret for a link that signs in once, soon. */
  makeLink(): string;
  /** Whether it was such a secret; it is used up then. */
  useLink(secret: string): boolean;
}

export const createSignIn = (opsToken: string, clock: Clock): SignIn => {
  const key = createHmac('sha256', opsToken).update('operators’ pages').digest();
  const mac = (purpose: string, text: string): string =>
    createHmac('sha256', key).update(`${purpose}:${text}`).digest('base64url');
  const isSame = (one: string, other: string): boolean => {
    const [a, b] = [Buffer.from(one), Buffer.from(other)];
    return a.length === b.length && timingSafeEqual(a, b);
  };
  let link: { secret: string; until: number } | undefined;

  return {
    issue: () => {
      const content = `${Math.floor(clock.now() / 1000) + SIGNED_IN_S}.${randomBytes(12).toString('base64url')}`;
      return `${content}.${mac('session', content)}`;
    },
    isGood: (cookie) => {
      const [until = '', nonce = '', signature = ''] = cookie?.split('.') ?? [];
      return isSame(signature, mac('session', `${until}.${nonce}`)) && Number(until) * 1000 > clock.now();
    },
    csrfToken: (cookie) => mac('form', cookie),
    isCsrfToken: (cookie, given) => isSame(given, mac('form', cookie)),
    makeLink: () => {
      link = { secret: randomBytes(24).toString('base64url'), until: clock.now() + LINK_MS };
      return link.secret;
    },
    useLink: (secret) => {
      const isGood = link !== undefined && link.until > clock.now() && isSame(secret, link.secret);
      if (isGood) link = undefined;
      return isGood;
    },
  };
};
