import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { boundedJson } from '../../bounded-json.ts';

/** Texts of one call, and their characters together: what every server takes. */
const MAX_BATCH = 64;
const MAX_BATCH_CHARS = 100_000;
/** No passage is longer; a question may be. */
const MAX_TEXT = 8_000;
/** What a token is at least, in most languages. */
const CHARS_PER_TOKEN = 4;
const TRIES = 4;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
const TIMEOUT_MS = 30_000;
/** The longest answer, in bytes: the vectors of a batch, written out, are half of it at most. */
const MAX_BYTES = 32 * 1024 * 1024;

export interface EmbedderOptions {
  /** Of an OpenAI-compatible API, up to and with `/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** How calls are made. */
  readonly fetch?: typeof fetch;
  /** Told what each call used, in tokens; guessed where the server does not say. */
  readonly onUsage?: (model: string, tokens: number) => void;
}

/** Makes vectors of texts. */
export interface Embedder {
  /**
   * @returns A vector of length 1 for each text.
   * @throws Error where the server does not answer, after a few tries, or with something else.
   */
  embed(
    model: string,
    texts: readonly string[],
    options?: { signal?: AbortSignal; tries?: number },
  ): Promise<Float32Array[]>;
}

const answer = z.object({
  data: z.array(z.object({ embedding: z.array(z.number()).min(1).max(8_192), index: z.int().optional() })),
  usage: z.object({ total_tokens: z.number() }).partial().nullish(),
});

/** A vector of the same direction, of length 1. */
export const unit = (numbers: readonly number[]): Float32Array => {
  const length = Math.hypot(...numbers) || 1;
  return Float32Array.from(numbers, (number) => number / length);
};

/** Texts in groups that are small enough for one call. */
const batchesOf = (texts: readonly string[]): string[][] => {
  const batches: string[][] = [];
  let chars = Number.POSITIVE_INFINITY;
  for (const text of texts) {
    const cut = text.slice(0, MAX_TEXT) || ' ';
    chars += cut.length;
    const last = batches.at(-1);
    if (!last || last.length >= MAX_BATCH || chars > MAX_BATCH_CHARS) {
      batches.push([cut]);
      chars = cut.length;
    } else last.push(cut);
  }
  return batches;
};

/** Whether another try may have more luck. */
const mayPass = (status: number): boolean =>
  status === 408 || status === 409 || status === 429 || status >= 500;

/** Speaks `POST /v1/embeddings`. @see https://platform.openai.com/docs/api-reference/embeddings */
export const createEmbedder = ({
  baseUrl,
  apiKey,
  fetch: call = fetch,
  onUsage,
}: EmbedderOptions): Embedder => {
  const url = `${baseUrl.replace(/\/+$/, '')}/embeddings`;
  const headers = {
    'Content-Type': 'application/json',
    ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
  };

  /** One try. @returns The vectors, or how long to wait before the next one, if the server says. */
  const attempt = async (model: string, input: readonly string[], signal: AbortSignal | undefined) => {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const response = await call(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model, input, encoding_format: 'float' }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    if (!response.ok) {
      await response.body?.cancel();
      const wait = Number(response.headers.get('retry-after'));
      return { status: response.status, wait: Number.isFinite(wait) && wait > 0 ? wait * 1_000 : undefined };
    }
    const { data, usage } = answer.parse(await boundedJson(response, MAX_BYTES));
    if (data.length !== input.length) throw new Error(`${data.length} vectors for ${input.length} texts`);
    const chars = input.reduce((sum, text) => sum + text.length, 0);
    onUsage?.(model, usage?.total_tokens ?? Math.ceil(chars / CHARS_PER_TOKEN));
    const ordered = data.every(({ index }) => index !== undefined)
      ? data.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0))
      : data;
    return { vectors: ordered.map(({ embedding }) => unit(embedding)) };
  };

  const embedBatch = async (
    model: string,
    input: readonly string[],
    signal: AbortSignal | undefined,
    tries: number,
  ) => {
    for (let n = 1; ; n += 1) {
      let failure: Error;
      let wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (n - 1)) * (0.5 + Math.random() / 2);
      try {
        const result = await attempt(model, input, signal);
        if (result.vectors) return result.vectors;
        failure = new Error(`the embeddings server answered ${result.status}`);
        if (!mayPass(result.status)) throw failure;
        wait = Math.min(MAX_WAIT_MS, result.wait ?? wait);
      } catch (thrown) {
        signal?.throwIfAborted();
        failure = thrown instanceof Error ? thrown : new Error(String(thrown));
        if (/answered 4/.test(failure.message) || thrown instanceof z.ZodError) throw failure;
      }
      if (n >= tries) throw failure;
      await sleep(wait, undefined, signal ? { signal } : {});
    }
  };

  return {
    embed: async (model, texts, { signal, tries = TRIES } = {}) => {
      const vectors: Float32Array[] = [];
      for (const batch of batchesOf(texts)) vectors.push(...(await embedBatch(model, batch, signal, tries)));
      return vectors;
    },
  };
};
