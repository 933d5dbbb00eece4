import { randomUUID } from 'node:crypto';
import type { Exchange, Feedback, Visitor } from '../chat/model.ts';
import type { Clock, Logger } from '../chat/ports.ts';
import type { BudgetWarning } from './budget.ts';
import type { Delivery, Outbox } from './outbox-port.ts';

/** The longest wait for an answer, in milliseconds. */
const TIMEOUT_MS = 15_000;
/** An event is tried for so long, in seconds. */
const LIFE_S = 24 * 60 * 60;
/** Waits between tries in seconds; the last is repeated. */
const WAITS_S = [5, 30, 120, 600, 1_800, 3_600];
/** How many are sent at a time, and how long nobody else may send them, in seconds. */
const AT_ONCE = 8;
const LEASE_S = 60;
/** How often the outbox is looked into where nothing new wakes it, in milliseconds. */
const LOOK_MS = 5_000;

/** Tells the site's own server what happens. Nothing here ever holds up a visitor. */
export interface Webhooks {
  exchange(exchange: Exchange): void;
  feedback(exchange: Pick<Exchange, 'id' | 'visitor'>, feedback: Feedback | undefined): void;
  budget(warning: BudgetWarning): void;
  /** Lets deliveries in flight end. */
  stop(): Promise<void>;
}

export interface WebhooksDeps {
  readonly url: string;
  /** `webhook-signature` of a delivery (Standard Webhooks). @param timestamp Seconds since 1970. */
  readonly sign: ((id: string, timestamp: number, body: string) => string) | undefined;
  readonly outbox: Outbox;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Sends events to one URL: queued in the store, retried with growing waits for a day, signed. */
export const createWebhooks = (deps: WebhooksDeps): Webhooks => {
  const { outbox, clock, logger } = deps;
  const stopping = new AbortController();
  let sending: Promise<void> | undefined;
  let isWoken = false;

  const seconds = (): number => clock.now() / 1000;

  const send = async (delivery: Delivery): Promise<void> => {
    const reason = await post(delivery, deps, stopping.signal);
    if (reason === undefined) return outbox.delivered(delivery.id);
    if (stopping.signal.aborted) return;
    const wait = WAITS_S[delivery.tries] ?? WAITS_S.at(-1) ?? LIFE_S;
    const next = seconds() + wait;
    const isOver = next > delivery.at + LIFE_S;
    logger.warn(
      { type: delivery.type, tries: delivery.tries + 1, reason, over: isOver },
      'webhook not delivered',
    );
    await outbox.notDelivered(delivery.id, reason, isOver ? null : next);
  };

  const sendDue = async (): Promise<void> => {
    do {
      isWoken = false;
      const due = await outbox.due(seconds(), seconds() + LEASE_S, AT_ONCE);
      await Promise.all(due.map(send));
      if (due.length === AT_ONCE) isWoken = true;
    } while (isWoken && !stopping.signal.aborted);
  };

  const wake = (): void => {
    isWoken = true;
    if (stopping.signal.aborted) return;
    sending ??= sendDue()
      .catch((thrown: unknown) => logger.debug({ err: thrown }, 'the outbox could not be read'))
      .finally(() => {
        sending = undefined;
      });
  };

  const enqueue = (type: string, visitor: Visitor | undefined, data: object): void => {
    const at = seconds();
    const body = JSON.stringify({ type, timestamp: new Date(at * 1000).toISOString(), data });
    outbox
      .enqueue({ id: `evt_${randomUUID()}`, type, ...(visitor && { visitor }), at, body })
      .then(wake, (thrown) => {
        logger.warn({ type, err: thrown }, 'an event for the webhook could not be kept');
      });
  };

  const timer = setInterval(wake, LOOK_MS).unref();
  wake();
  return {
    exchange: ({ key: _, ...exchange }) =>
      enqueue(exchange.bot === null ? 'exchange.failed' : 'exchange.completed', exchange.visitor, exchange),
    feedback: ({ id, visitor }, feedback) =>
      enqueue('feedback.created', visitor, { id, visitor, feedback: feedback ?? null }),
    budget: (warning) => enqueue('budget.warning', undefined, warning),
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await sending;
    },
  };
};

/** @returns Why it was not delivered; never what the other side answered, which may repeat a visitor's words. */
const post = async (
  { id, body }: Delivery,
  { url, sign, fetch, clock }: WebhooksDeps,
  stopped: AbortSignal,
): Promise<string | undefined> => {
  const timestamp = Math.floor(clock.now() / 1000);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        ...(sign && { 'webhook-signature': sign(id, timestamp, body) }),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), stopped]),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `status ${response.status}`;
  } catch (thrown) {
    return thrown instanceof Error && thrown.name === 'TimeoutError'
      ? 'no answer in 15 s'
      : 'cannot be reached';
  }
};
