import { randomUUID } from 'node:crypto';
import { RequestError } from '@hono/node-server';
import type { Context, ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from '../chat/ports.ts';
import {
  type AppError,
  asAppError,
  bodyTooLarge,
  internalError,
  invalidJson,
  invalidRequest,
  methodNotAllowed,
  notFound,
  unsupportedMediaType,
} from '../errors.ts';
import type { AppEnv } from './context.ts';
import { inLanguage, messageFor, preferred } from './messages/languages.ts';

/** Who is told of a failure. */
export interface Told {
  readonly requestId: string;
  /** The languages that the caller prefers, as in an `Accept-Language` header. */
  readonly acceptLanguage: string | undefined;
}

/** Who is told what a request is answered with. */
export const toldBy = (c: Context<AppEnv>): Told => ({
  requestId: c.get('requestId'),
  acceptLanguage: preferred(c.req.query('lang'), c.req.header('accept-language')),
});

/** The public form of a failure. */
export const errorBody = (error: AppError, { requestId, acceptLanguage }: Told) => ({
  error: {
    code: error.code,
    message: messageFor(error, acceptLanguage),
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    request_id: requestId,
  },
});

const answer = (c: Context<AppEnv>, error: AppError): Response => {
  // Some caches keep a 404 or a 405 that does not say so; who asks next may be let in.
  c.header('Cache-Control', 'no-store');
  if (error.retryAfter !== undefined) c.header('Retry-After', String(error.retryAfter));
  const told = toldBy(c);
  const inOwnForm = c.get('failureAnswer')?.(inLanguage(error, told.acceptLanguage));
  if (inOwnForm) return inOwnForm;
  const body = { ...errorBody(error, told), ...c.get('failureDetail')?.(error) };
  return c.json(body, error.status);
};

/** What the libraries throw of their own, as ours. */
const FROM_LIBRARIES: Partial<Record<number, () => AppError>> = {
  400: invalidJson,
  413: bodyTooLarge,
  415: unsupportedMediaType,
};

const toAppError = (thrown: unknown): AppError => {
  if (!(thrown instanceof HTTPException)) return asAppError(thrown);
  return FROM_LIBRARIES[thrown.status]?.() ?? internalError({ cause: thrown });
};

/** Whether the caller left in the midst of its body; nobody reads the answer, but the access log tells of it. */
const isHangUp = (thrown: unknown, c: Context<AppEnv>): boolean =>
  c.req.raw.signal.aborted && thrown instanceof Error && 'code' in thrown && thrown.code === 'ECONNRESET';

/** Answers whatever was thrown; what is unknown becomes a bland 500 and is logged in full. */
export const onError =
  (logger: Logger): ErrorHandler<AppEnv> =>
  (thrown, c) => {
    const error = isHangUp(thrown, c) ? invalidJson({ cause: thrown }) : toAppError(thrown);
    const fields = { request_id: c.get('requestId'), code: error.code };
    if (error.code === 'internal_error' && !c.req.raw.signal.aborted) {
      logger.error({ ...fields, err: error.cause ?? error }, 'request failed');
    } else logger.debug({ ...fields, err: error.cause }, 'request refused');
    return answer(c, error);
  };

export const onNotFound: NotFoundHandler<AppEnv> = (c) => answer(c, notFound());

/** Answers a known path that does not take the method; `Allow` lists those it takes. */
export const onMethodNotAllowed = (c: Context<AppEnv>, methods: string[]): Response => {
  c.header('Allow', methods.join(', '));
  return answer(c, methodNotAllowed());
};

/** Answers what the adapter could make no request of, such as one with a broken Host header: no route sees it. */
export const onUnreadable = (thrown: unknown): Response => {
  const error =
    thrown instanceof RequestError
      ? invalidRequest('The address of the request is not valid.')
      : internalError({ cause: thrown });
  const requestId = randomUUID();
  const headers = { 'X-Request-Id': requestId };
  return Response.json(errorBody(error, { requestId, acceptLanguage: undefined }), {
    status: error.status,
    headers,
  });
};
