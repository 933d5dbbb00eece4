import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { about, type Finding } from './finding.ts';

/** How long a check may take that no model answers. */
const ANSWER_WITHIN_MS = 15_000;
/** An answer whose first event is not at least so much ahead of its last was held back by somebody. */
const MIN_LEAD_MS = 30;
/** Addresses of documentation (RFC 5737): nobody's. */
const FORGED = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;
const AGAIN = 'the limit for this address is reached: try again in a minute';
const MESSAGE = 'This is a technical check. Please answer with the numbers from one to ten, in words.';

const health = z.object({ status: z.literal('ok') });
const failure = z.object({ error: z.object({ code: z.string() }) });
const ending = z.object({ type: z.enum(['done', 'error']), data: z.unknown() });

export interface WayCheck {
  /** Where browsers reach the service, with all that is in front of it. */
  readonly origin: string;
  /** Where this machine reaches it directly. */
  readonly local: string;
  /** Whether a message may be sent, which the model answers. */
  readonly sendsMessage: boolean;
  readonly runTimeout: number;
  /** How many proxies the settings tell of. */
  readonly trustProxy: number;
  readonly signal: AbortSignal;
}

/** Goes the way that a visitor's browser goes: reachable, streamed, WebSockets, and the address that the limit counts. */
export const checkWay = async (check: WayCheck): Promise<Finding[]> => {
  const way = about('way');
  let reached: Response;
  try {
    reached = await fetch(`${check.origin}/healthz`, { redirect: 'manual', signal: within(check) });
  } catch (thrown) {
    check.signal.throwIfAborted();
    const seen = `${check.origin} cannot be reached (${causeOf(thrown)})`;
    return [way.failed(seen, 'is PUBLIC_ORIGIN right? Then look at DNS, firewall and proxy')];
  }
  const isOurs = health.safeParse(await reached.json().catch(() => undefined)).success;
  if (!reached.ok || !isOurs) {
    const seen = `${check.origin}/healthz answers ${reached.status}, and not as this service does`;
    return [way.failed(seen, `let the proxy pass every path on to ${check.local}`)];
  }
  return [
    way.good(check.origin === check.local ? `${check.origin} answers` : `${check.origin} leads here`),
    await checkSocket(check),
    await checkAddresses(check),
    check.sendsMessage
      ? await checkStream(check)
      : about('streaming').skipped('no message was sent (--no-message)'),
  ];
};

const within = ({ signal }: WayCheck, ms = ANSWER_WITHIN_MS): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(ms)]);

const causeOf = (thrown: unknown): string => {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return 'no answer';
};

const checkSocket = async (check: WayCheck): Promise<Finding> => {
  const sockets = about('WebSocket');
  const url = `${check.origin.replace(/^http/, 'ws')}/api/chat/ws`;
  const socket = new WebSocket(url);
  const opened = Promise.withResolvers<boolean>();
  socket.addEventListener('open', () => opened.resolve(true));
  socket.addEventListener('error', () => opened.resolve(false));
  const signal = within(check);
  signal.addEventListener('abort', () => opened.resolve(false));
  const isOpen = await opened.promise;
  socket.close();
  check.signal.throwIfAborted();
  if (isOpen) return sockets.good('the upgrade passes');
  return sockets.failed(
    `${url} does not open`,
    'let the proxy pass on Upgrade and Connection (nginx: proxy_http_version 1.1 and both headers)',
  );
};

/** What the limit has left for whoever a post seems to come from; undefined where it does not tell. */
const leftFor = async (check: WayCheck, base: string, forwardedFor?: string): Promise<number | undefined> => {
  const response = await fetch(`${base}/api/chat`, {
    method: 'POST',
    // Refused for what it lacks, but counted.
    body: '{}',
    headers: {
      'Content-Type': 'application/json',
      ...(forwardedFor === undefined ? {} : { 'X-Forwarded-For': forwardedFor }),
    },
    signal: within(check),
  });
  await response.body?.cancel();
  const told = /remaining=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1];
  return told === undefined ? undefined : Number(told);
};

/** Whether visitors can choose the address that they are counted by, or share one. */
const checkAddresses = async (check: WayCheck): Promise<Finding> => {
  const addresses = about('addresses');
  const { origin, local, trustProxy } = check;
  if (origin === local && trustProxy > 0) {
    return addresses.skipped('whether TRUST_PROXY is right shows only through PUBLIC_ORIGIN');
  }
  const first = await leftFor(check, origin, FORGED[0]);
  const second = await leftFor(check, origin, FORGED[1]);
  if (first === undefined || second === undefined) {
    return addresses.skipped('RATE_LIMIT is off: nothing is counted by address');
  }
  if (first === 0 || second === 0) return addresses.skipped(AGAIN);
  if (second >= first) {
    const fewer = trustProxy > 1 ? `a smaller number than ${trustProxy}` : '0, or put a proxy in front';
    return addresses.failed(
      'whoever sends X-Forwarded-For is believed, so anyone passes the limit',
      `set TRUST_PROXY to the number of proxies in front: ${fewer}`,
    );
  }
  if (origin === local) return addresses.good('counted by the connection');
  const direct = await leftFor(check, local, FORGED[2]);
  if (direct === second - 1) {
    return addresses.failed(
      'visitors who come through the proxy are counted as one address, the proxy’s',
      `set TRUST_PROXY to the number of proxies in front, 1 or more (now ${trustProxy})`,
    );
  }
  return addresses.good('each visitor is counted by their own');
};

/** Sends a real message, and looks whether its events come one by one. */
const checkStream = async (check: WayCheck): Promise<Finding> => {
  const streaming = about('streaming');
  const begun = performance.now();
  const response = await fetch(`${check.origin}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ message: MESSAGE }),
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    signal: within(check, check.runTimeout + ANSWER_WITHIN_MS),
  });
  if (response.status === 429) {
    await response.body?.cancel();
    return streaming.skipped(AGAIN);
  }
  if (!response.ok || !response.body) {
    const { data } = failure.safeParse(await response.json().catch(() => undefined));
    const code = data ? `, ${data.error.code}` : '';
    return streaming.failed(
      `a message is answered with ${response.status}${code}`,
      'the service’s log says why',
    );
  }
  const read = await readEvents(response.body);
  if (read.last?.type !== 'done') {
    const { data } = failure.safeParse(read.last?.data);
    if (!data)
      return streaming.failed('the answer is cut off', 'raise the proxy’s timeouts above RUN_TIMEOUT');
    return streaming.failed(`a message fails with ${data.error.code}`, 'the service’s log says why');
  }
  if (response.headers.get('content-encoding') !== null) {
    return streaming.failed(
      'the proxy compresses the stream',
      'switch compression off for text/event-stream',
    );
  }
  if (read.endedAt - read.firstAt < MIN_LEAD_MS) {
    return streaming.failed(
      'the whole answer comes at once: something in front holds it back',
      'switch buffering off in the proxy (nginx: proxy_buffering off; Caddy: flush_interval -1)',
    );
  }
  const seconds = (ms: number) => `${((ms - begun) / 1_000).toFixed(1)} s`;
  return streaming.good(
    `first word after ${seconds(read.wordAt ?? read.firstAt)}, the end after ${seconds(read.endedAt)}`,
  );
};

interface Read {
  readonly firstAt: number;
  readonly wordAt: number | undefined;
  readonly endedAt: number;
  readonly last: z.infer<typeof ending> | undefined;
}

const readEvents = async (body: ReadableStream<Uint8Array>): Promise<Read> => {
  let firstAt: number | undefined;
  let wordAt: number | undefined;
  let last: Read['last'];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      firstAt ??= performance.now();
      if (event === 'delta') wordAt ??= performance.now();
      last = ending.safeParse({ type: event, data: parsed(data) }).data;
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
  } catch {
    // Cut off: there is no last event then.
  }
  const endedAt = performance.now();
  return { firstAt: firstAt ?? endedAt, wordAt, endedAt, last };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
