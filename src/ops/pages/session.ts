import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { forbidden } from '../../errors.ts';
import { SIGNED_IN_S, type SignIn } from '../sign-in.ts';

/** Who looks at a page. `csrf` is what its forms carry; undefined: the ops token itself came with the request. */
export interface PagesEnv {
  Variables: { csrf: string | undefined };
}

export interface SessionDeps {
  readonly signIn: SignIn;
  readonly isOpsToken: (given: string) => boolean;
  /**
   * Whether the ops token came as Bearer; a wrong one is counted.
   * @throws AppError `rate_limited`
   */
  readonly hasOpsToken: (c: Context) => Promise<boolean>;
  /** Whether the browser reaches us over TLS. */
  readonly isSecure: (c: Context) => boolean;
}

/** Over TLS the browser itself sees to it that no other host of the domain can set the cookie. */
const cookieName = (isSecure: boolean): string => (isSecure ? '__Host-ops' : 'ops');

export const startSession = (c: Context, { signIn, isSecure }: SessionDeps): void => {
  const secure = isSecure(c);
  c.header('Cache-Control', 'no-store');
  setCookie(c, cookieName(secure), signIn.issue(), {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    secure,
    maxAge: SIGNED_IN_S,
  });
};

export const endSession = (c: Context, { isSecure }: SessionDeps): void => {
  const secure = isSecure(c);
  setCookie(c, cookieName(secure), '', { httpOnly: true, sameSite: 'Strict', path: '/', secure, maxAge: 0 });
};

/** The session's cookie, where it is good. */
const sessionOf = (c: Context, { signIn, isSecure }: SessionDeps): string | undefined => {
  const cookie = getCookie(c, cookieName(isSecure(c)));
  return cookie !== undefined && signIn.isGood(cookie) ? cookie : undefined;
};

/** Refuses what another site's page has sent. Browsers say where a request comes from; programs say nothing. */
export const refuseForeign = (c: Context): void => {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw forbidden();
  const origin = c.req.header('origin');
  if (site === undefined && origin !== undefined && URL.parse(origin)?.host !== c.req.header('host'))
    throw forbidden();
};

/**
 * Lets operators in.
 * @param refuse Answers everybody else.
 */
export const signedIn = (
  deps: SessionDeps,
  refuse: (c: Context) => Response | Promise<Response>,
): MiddlewareHandler<PagesEnv> =>
  async function signedIn(c, next) {
    const cookie = sessionOf(c, deps);
    if (cookie !== undefined) c.set('csrf', deps.signIn.csrfToken(cookie));
    else if (!(await deps.hasOpsToken(c))) return refuse(c);
    return next();
  };

/** @throws AppError `forbidden` where a form did not come from a page of ours. */
export const checkForm = (c: Context<PagesEnv>, given: string | undefined): void => {
  refuseForeign(c);
  const expected = c.get('csrf');
  // Who sends the ops token itself is no browser that could be made to.
  if (expected !== undefined && given !== expected) throw forbidden();
};
