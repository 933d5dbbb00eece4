import { type Failure, parseJson, readFailure } from './wire.ts';

/** The service said no. */
export class Refused extends Error {
  readonly failure: Failure;
  readonly status: number;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(failure: Failure, status: number, retryAfter?: number) {
    super(failure.message);
    this.failure = failure;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

interface Call {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly body?: object;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Longest wait for what is no answer of the assistant. */
const SHORT_MS = 20_000;

/** Calls the service. No cookies go with it, and nothing of the page but its origin. */
export const createApi = (server: string) => {
  /** @throws Refused, or what `fetch` throws where there is no connection. */
  const call = async (
    path: string,
    { method = 'GET', token, body, headers = {}, signal }: Call,
  ): Promise<Response> => {
    // No cache mode here: with `no-store` browsers would ask before each call whether it is allowed.
    const response = await fetch(server + path, {
      method,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      headers: {
        ...headers,
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(signal ? { signal } : {}),
    });
    if (response.ok) return response;
    const fields = parseJson(await response.text());
    const wait = Number(response.headers.get('Retry-After') ?? Number.NaN);
    throw new Refused(readFailure(fields), response.status, Number.isFinite(wait) ? wait : undefined);
  };
  return {
    call,
    /** A short call, with its JSON; `{}` where there is none. */
    json: async (path: string, options: Call = {}): Promise<Record<string, unknown>> => {
      const response = await call(path, { signal: AbortSignal.timeout(SHORT_MS), ...options });
      return parseJson(await response.text());
    },
    /**
     * Whether the service is there but does not let this page read its answers: its origin is not allowed. A browser
     * tells pages no more than that a call failed; one that asks to read nothing gets through.
     */
    isClosedToUs: async (): Promise<boolean> => {
      try {
        await fetch(`${server}/healthz`, {
          mode: 'no-cors',
          cache: 'no-store',
          credentials: 'omit',
          signal: AbortSignal.timeout(SHORT_MS),
        });
        return true;
      } catch {
        return false;
      }
    },
  };
};

export type Api = ReturnType<typeof createApi>;
