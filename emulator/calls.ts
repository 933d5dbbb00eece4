/** What was asked of the emulator: counts, the last requests, and promises of the next ones. */

import type { IncomingHttpHeaders } from 'node:http';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';

/** Together the bodies of the remembered requests are at most about this long, in bytes. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Headers whose value is a secret. */
const SECRETS = ['authorization', 'api-key', 'x-api-key', 'cookie'];

export interface RecordedRequest {
  readonly endpoint: Endpoint;
  readonly method: string;
  /** The path without its query. */
  readonly path: string;
  readonly query: string;
  /** As they came; the value of a secret one is `[secret]`. */
  readonly headers: IncomingHttpHeaders;
  /** The parsed body; undefined where there was none, or none that is JSON. */
  readonly body: unknown;
}

export type CallCounts = Readonly<Record<Endpoint | 'total', number>>;

const zero = (): Record<Endpoint | 'total', number> => {
  const counts: Partial<Record<Endpoint | 'total', number>> = { total: 0 };
  for (const endpoint of ENDPOINTS) counts[endpoint] = 0;
  return counts as Record<Endpoint | 'total', number>;
};

const withoutSecrets = (headers: IncomingHttpHeaders): IncomingHttpHeaders => {
  const shown = { ...headers };
  for (const name of SECRETS) if (name in shown) shown[name] = '[secret]';
  return shown;
};

interface Waiter {
  readonly endpoint: Endpoint | undefined;
  readonly resolve: (request: RecordedRequest) => void;
}

export class Calls {
  readonly #limit: number;
  #counts = zero();
  #ring: { readonly request: RecordedRequest; readonly bytes: number }[] = [];
  #bytes = 0;
  #waiters: Waiter[] = [];

  /** @param limit How many requests are remembered. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get counts(): CallCounts {
    return this.#counts;
  }

  /** The last requests, oldest first. */
  get requests(): RecordedRequest[] {
    return this.#ring.map(({ request }) => request);
  }

  /** Counts a call and remembers it. */
  take(request: RecordedRequest, bytes: number): void {
    this.#counts[request.endpoint] += 1;
    this.#counts.total += 1;
    if (this.#limit > 0 || this.#waiters.length > 0) {
      this.#remember({ ...request, headers: withoutSecrets(request.headers) }, bytes);
    }
  }

  /** Resolves with the next call of this endpoint (or of any), once its handling has started. */
  next(endpoint?: Endpoint): Promise<RecordedRequest> {
    const { promise, resolve } = Promise.withResolvers<RecordedRequest>();
    this.#waiters.push({ endpoint, resolve });
    return promise;
  }

  clear(): void {
    this.#counts = zero();
    this.#ring = [];
    this.#bytes = 0;
  }

  #remember(request: RecordedRequest, bytes: number): void {
    this.#ring.push({ request, bytes });
    this.#bytes += bytes;
    while (this.#ring.length > this.#limit || this.#bytes > MAX_BYTES) {
      const gone = this.#ring.shift();
      if (gone === undefined) break;
      this.#bytes -= gone.bytes;
    }
    if (this.#waiters.length === 0) return;
    const fits = (waiter: Waiter) => waiter.endpoint === undefined || waiter.endpoint === request.endpoint;
    const woken = this.#waiters.filter(fits);
    this.#waiters = this.#waiters.filter((waiter) => !fits(waiter));
    for (const { resolve } of woken) resolve(request);
  }
}
