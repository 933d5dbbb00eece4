/** Every call's way in: read, count, fail if told so, check the key, find the route, answer. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiError, asApiError } from './api-error.ts';
import { MAX_BODY, readBody } from './body.ts';
import type { Calls } from './calls.ts';
import type { Fault, Faults, Strike } from './faults.ts';
import { brokenByUs, type Call, destroy, type Route, sendError, sendText } from './http.ts';
import { createRouter } from './router.ts';
import { spoil } from './stream-faults.ts';

export interface ServerParts {
  readonly routes: readonly Route[];
  readonly calls: Calls;
  readonly faults: Faults;
  /** The key that callers must send; absent: any or none. */
  readonly apiKey: string | undefined;
  /** A caller left before its answer was over. */
  readonly onAborted: () => void;
}

/** Longer than a client keeps an idle connection, so that none is closed under a request. */
const KEEP_ALIVE_MS = 75_000;

const PAGE =
  '<!doctype html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>';

const STATUS_CODES: Record<number, string> = {
  401: 'invalid_api_key',
  429: 'rate_limit_exceeded',
};

const unauthorized = (): ApiError =>
  new ApiError(
    401,
    'Incorrect API key provided. You can find your API key in your settings.',
    'invalid_api_key',
  );

const tooLarge = (): ApiError => new ApiError(413, `The request body is longer than ${MAX_BODY} bytes.`);

const sendFailure = (outgoing: ServerResponse, fault: Extract<Fault, { kind: 'status' }>): void => {
  const { status, retryAfter, html, body } = fault;
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  if (html || body !== undefined) {
    const type = html ? 'text/html; charset=utf-8' : 'application/json';
    sendText(outgoing, status, type, body ?? PAGE, headers);
  } else {
    const message = fault.message ?? `The emulator was told to answer with ${status}.`;
    const code = fault.code ?? STATUS_CODES[status] ?? null;
    sendError(outgoing, new ApiError(status, message, code), headers);
  }
};

/** A body as JSON; undefined where it is empty, or why it is none that can be taken. */
const bodyOf = (bytes: Buffer | undefined): { body?: unknown; refusal?: ApiError } => {
  if (bytes === undefined) return { refusal: tooLarge() };
  if (bytes.length === 0) return {};
  try {
    return { body: JSON.parse(bytes.toString()) };
  } catch (cause) {
    const message = `We could not parse the JSON body of your request. (${String(cause)})`;
    return { refusal: new ApiError(400, message) };
  }
};

const handle = (route: Route, call: Call): void => {
  try {
    route.handle(call);
  } catch (thrown) {
    sendError(call.outgoing, asApiError(thrown));
  }
};

/** Faults that concern any endpoint, and those of the stream where there is none; says whether one struck. */
const strikeAnyway = (strike: Strike, route: Route, call: Call): boolean => {
  const { outgoing } = call;
  const { fault } = strike;
  if (fault.kind === 'refused') {
    destroy(outgoing);
    return true;
  }
  if (fault.kind === 'status') {
    sendFailure(outgoing, fault);
    return true;
  }
  if (route.generates) return false;
  switch (fault.kind) {
    case 'hang-before-headers':
    case 'hang-mid-stream':
    case 'hold': {
      const unpause = strike.pause(
        () => handle(route, call),
        () => destroy(outgoing),
      );
      outgoing.once('close', unpause);
      return true;
    }
    case 'cut':
    case 'end-early':
    case 'malformed-sse':
      spoil(outgoing, fault.kind);
      return true;
    default:
      return false;
  }
};

/** Builds the server; it does not listen yet. */
export const createHttpServer = ({ routes, calls, faults, apiKey, onAborted }: ServerParts): Server => {
  const router = createRouter(routes);

  const authorized = ({ headers }: IncomingMessage): boolean =>
    apiKey === undefined || headers.authorization === `Bearer ${apiKey}` || headers['api-key'] === apiKey;

  const answer = (incoming: IncomingMessage, outgoing: ServerResponse, bytes: Buffer | undefined): void => {
    const { method = 'GET', url = '/', headers } = incoming;
    const [path = '/', query = ''] = url.split('?', 2);
    const { route, ids } = router(method, path);
    const { endpoint } = route;
    const { body, refusal } = bodyOf(bytes);
    calls.take({ endpoint, method, path, query, headers, body }, bytes?.length ?? 0);

    const strike = faults.strike(endpoint);
    const call: Call = { outgoing, ids, query: new URLSearchParams(query), body, strike };
    if (strike !== undefined && strikeAnyway(strike, route, call)) return;
    if (refusal !== undefined) sendError(outgoing, refusal);
    else if (!authorized(incoming)) sendError(outgoing, unauthorized());
    else handle(route, call);
  };

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
    readBody(incoming, (bytes) => {
      answer(incoming, outgoing, bytes);
      if (outgoing.writableEnded || outgoing.destroyed) return;
      outgoing.once('close', () => {
        if (!outgoing.writableEnded && !brokenByUs(outgoing)) onAborted();
      });
    });
  });
  return server;
};
