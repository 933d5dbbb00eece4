import { z } from 'zod';

const exchange = z.looseObject({ id: z.string(), user: z.string(), bot: z.string().nullable() });

const apiBody = z.looseObject({
  session_token: z.string().optional(),
  session_id: z.string().optional(),
  user_id: z.string().optional(),
  name: z.string().optional(),
  expires_at: z.number().optional(),
  answer: z.string().optional(),
  history: z.array(exchange).optional(),
  before: z.string().optional(),
  error: z
    .object({ code: z.string(), message: z.string(), detail: z.string().optional(), request_id: z.string() })
    .optional(),
});

/** What any route answered; `body` is empty where there was none. */
export interface ApiAnswer {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Headers;
  readonly body: z.output<typeof apiBody>;
}

interface Call {
  /** Goes as `Authorization: Bearer`. */
  readonly bearer?: string | undefined;
  readonly json?: unknown;
  readonly headers?: Record<string, string>;
}

/** Calls a route of a service: `callApi(service, 'GET', '/api/history', { bearer: token })`. */
export const callApi = async (
  service: { url: string },
  method: string,
  path: string,
  { bearer, json, headers = {} }: Call = {},
): Promise<ApiAnswer> => {
  const response = await fetch(service.url + path, {
    method,
    headers: {
      ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  const body = apiBody.parse(text.startsWith('{') ? JSON.parse(text) : {});
  return { status: response.status, code: body.error?.code, headers: response.headers, body };
};

/** A key of the site's own server. */
export const SITE_KEY = 'site-key-of-at-least-thirty-two-characters';
