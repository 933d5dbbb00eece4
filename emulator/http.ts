/** What a handler sees of a call, and how it answers. */

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { z } from 'zod';
import { ApiError, errorBody } from './api-error.ts';
import type { Endpoint } from './endpoints.ts';
import type { Strike } from './faults.ts';

export interface Call {
  readonly outgoing: ServerResponse;
  /** The ids in the path, in order. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  /** The parsed body, not checked yet. */
  readonly body: unknown;
  readonly strike: Strike | undefined;
}

/** Answers a call, now or later. What it throws is answered as an error. */
export type Handler = (call: Call) => void;

/** `path` is below `/v1`; a segment `:` stands for an id. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly handle: Handler;
  /** The handler itself honours faults that concern the answer's stream; else the server does. */
  readonly generates?: true;
}

/** Sends a whole text in as few writes as possible. */
export const sendText = (
  outgoing: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers?: OutgoingHttpHeaders,
): void => {
  if (outgoing.destroyed || outgoing.writableEnded) return;
  outgoing.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  outgoing.end(text);
};

export const sendJson = (outgoing: ServerResponse, body: unknown): void =>
  sendText(outgoing, 200, 'application/json', JSON.stringify(body));

export const sendError = (outgoing: ServerResponse, failure: ApiError, headers?: OutgoingHttpHeaders): void =>
  sendText(outgoing, failure.status, 'application/json', JSON.stringify(errorBody(failure)), headers);

/** Answers whose connection the emulator itself has broken. */
const broken = new WeakSet<ServerResponse>();

/** Whether the connection was broken by the emulator, not by the caller. */
export const brokenByUs = (outgoing: ServerResponse): boolean => broken.has(outgoing);

/** Breaks the connection once what was written has been sent. */
export const cut = (outgoing: ServerResponse): void => {
  broken.add(outgoing);
  // Node holds chunks back until the end of the tick.
  setImmediate(() => outgoing.socket?.destroySoon());
};

/** Breaks the connection at once. */
export const destroy = (outgoing: ServerResponse): void => {
  broken.add(outgoing);
  outgoing.destroy();
};

/** A path into a body as OpenAI writes it: `input[0].role`. */
const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');

const asFailure = (error: z.ZodError): ApiError => {
  const [issue] = error.issues;
  if (issue === undefined) return new ApiError(400, 'Invalid request.');
  if (issue.path.length === 0) return new ApiError(400, `Invalid request body: ${issue.message}.`);
  const param = pathText(issue.path);
  if (issue.code === 'too_big' && issue.origin === 'array') {
    const message = `Invalid '${param}': array too long. Expected an array with maximum length ${issue.maximum}.`;
    return new ApiError(400, message, 'array_above_max_length', param);
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    const message = `Missing required parameter: '${param}'.`;
    return new ApiError(400, message, 'missing_required_parameter', param);
  }
  return new ApiError(400, `Invalid value for '${param}': ${issue.message}.`, 'invalid_value', param);
};

/** The body in the given shape. @throws ApiError 400 in OpenAI's words. */
export const parse = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw asFailure(parsed.error);
  return parsed.data;
};

const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().optional(),
  before: z.string().optional(),
});

/** A page of things that are given oldest first, as the query asks for it. */
export const pageOf = <T extends { readonly id: string }>(things: readonly T[], query: URLSearchParams) => {
  const { limit, order, after, before } = parse(PageQuery, Object.fromEntries(query));
  const ordered = order === 'asc' ? [...things] : [...things].reverse();
  const start = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  const stop = before === undefined ? -1 : ordered.findIndex(({ id }) => id === before);
  const rest = ordered.slice(start, stop < 0 ? undefined : stop);
  return { page: rest.slice(0, limit), hasMore: rest.length > limit };
};

/** OpenAI's list object. */
export const listOf = <T extends { readonly id: string }>(data: readonly T[], hasMore = false) => ({
  object: 'list' as const,
  data,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
  has_more: hasMore,
});
