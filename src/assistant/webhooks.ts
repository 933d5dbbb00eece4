import { randomUUID } from 'node:crypto';
import type { AssistantDefinition, WebhookSettings } from './definition.ts';
import { CallFailed, nameOf, postToWebhook } from './webhook-post.ts';
import { signatureOf } from './webhook-signature.ts';

/** A function that the model calls. */
export interface ToolCall {
  readonly name: string;
  /** JSON text, as the model wrote it. */
  readonly arguments: string;
  /** The upstream's id of the call. */
  readonly callId: string;
}

/** For whom, and in which turn, a function is called. */
export interface ToolContext {
  /** Null for an anonymous visitor. */
  readonly userId: string | null;
  /** Whether the site has verified the visitor: by a session token or a site key. */
  readonly verified: boolean;
  readonly exchangeId: string;
  /** The turn's. */
  readonly signal: AbortSignal;
}

/**
 * Makes the model's call and gives what the model is told of it, errors included.
 * @throws The signal's reason; nothing else.
 */
export type ToolCaller = (call: ToolCall, context: ToolContext) => Promise<string>;

interface WebhooksDeps {
  readonly definition: AssistantDefinition;
  /** The keys that sign, by the function's name; a function without one is called unsigned. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  readonly fetch: typeof fetch;
  readonly clock: { now(): number };
  readonly logger: {
    debug(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/**
 * The functions of the assistant, called at their webhooks.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const createWebhooks = ({
  definition,
  secrets,
  fetch,
  clock,
  logger,
}: WebhooksDeps): { call: ToolCaller } => {
  const webhooks = new Map<string, WebhookSettings>();
  for (const tool of definition.tools ?? []) {
    if (tool.type === 'function') webhooks.set(tool.function.name, tool.webhook);
  }

  const attempt = async (call: ToolCall, context: ToolContext): Promise<string> => {
    const webhook = webhooks.get(call.name);
    if (!webhook) throw new CallFailed('There is no such function.', 'unknown function');
    if (!context.verified && !webhook.allowUnverified) {
      throw new CallFailed(
        'This function works only for visitors who are signed in on the site, and this one is not.',
        'visitor not verified',
      );
    }
    const body = bodyOf(call, context);
    const headers = headersOf(body, secrets.get(call.name), clock.now());
    return postToWebhook(fetch, webhook, { body, headers, turn: context.signal });
  };

  return {
    call: async (call, context) => {
      context.signal.throwIfAborted();
      const begun = clock.now();
      const seen = {
        exchange: context.exchangeId,
        function: webhooks.has(call.name) ? call.name : 'unknown',
      };
      try {
        const result = await attempt(call, context);
        logger.debug({ ...seen, ms: clock.now() - begun }, 'A function was called.');
        return result;
      } catch (thrown) {
        context.signal.throwIfAborted();
        const failed = thrown instanceof CallFailed ? thrown : new CallFailed('It failed.', nameOf(thrown));
        logger.warn({ ...seen, ms: clock.now() - begun, why: failed.detail }, 'A call of a function failed.');
        return JSON.stringify({ error: failed.message });
      }
    },
  };
};

const bodyOf = (call: ToolCall, context: ToolContext): string => {
  const rest = JSON.stringify({
    user_id: context.userId,
    verified: context.verified,
    exchange_id: context.exchangeId,
    call_id: call.callId,
  });
  // The model's JSON stands in the body as it is: parsed and written again, a long order number would be rounded.
  return `{"name":${JSON.stringify(call.name)},"arguments":${argumentsOf(call)},${rest.slice(1)}`;
};

const argumentsOf = (call: ToolCall): string => {
  // Many models write nothing where a function takes nothing.
  if (call.arguments.trim() === '') return '{}';
  try {
    JSON.parse(call.arguments);
  } catch {
    throw new CallFailed('The arguments are not valid JSON.', 'arguments are not JSON');
  }
  return call.arguments;
};

const headersOf = (body: string, key: Buffer | undefined, now: number): Record<string, string> => {
  // Not made of the call's id: some servers restart their numbering in each run, and a receiver that keeps ids
  // against replays would take the second for a repetition.
  const id = `msg_${randomUUID()}`;
  const timestamp = Math.floor(now / 1000);
  return {
    'content-type': 'application/json',
    'user-agent': 'thread-proxy',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    // Without a secret there is no signature at all: what is not signed must not look so.
    ...(key ? { 'webhook-signature': signatureOf(key, id, timestamp, body) } : {}),
  };
};
