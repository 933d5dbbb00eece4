import { signatureOf, webhookKey } from './assistant/webhook-signature.ts';
import type { Backend } from './chat/backend-port.ts';
import type { Chat } from './chat/chat-api.ts';
import type { TurnHooks } from './chat/hooks.ts';
import { visitorKey } from './chat/model.ts';
import type { Clock, Logger } from './chat/ports.ts';
import type { FeedbackLog } from './chat/store-port.ts';
import { unstamped } from './chat/thread-size.ts';
import { SETTINGS, type Setting, type SettingValues } from './config/settings-table.ts';
import type { ServedDocuments } from './documents/documents.ts';
import { opaqueName } from './identity/session-tokens.ts';
import { createSpendingBudget, type SpendingBudget } from './ops/budget.ts';
import { createCalendar } from './ops/calendar.ts';
import { createEraser, type Eraser } from './ops/erasure.ts';
import { createLiveFeed } from './ops/live-feed.ts';
import { logEntry } from './ops/log-entry.ts';
import { createMetrics, type Gauges } from './ops/metrics.ts';
import { createModeration, type Judge, REFUSAL } from './ops/moderation.ts';
import type { OpsStore } from './ops/ops-port.ts';
import type { ShownSetting } from './ops/pages/settings-page.ts';
import { periodOf } from './ops/pages/time-axis.ts';
import { createPrices } from './ops/prices.ts';
import { createRedact } from './ops/redact/redact.ts';
import { createRefusals } from './ops/refusals.ts';
import { createSignIn } from './ops/sign-in.ts';
import type { OpsTools } from './ops/tools.ts';
import { createUnanswered } from './ops/unanswered.ts';
import { createWebhooks } from './ops/webhooks.ts';

/** What operators have, put together from the settings. */
export interface Operations {
  /** What it does around turns; for the core. */
  readonly hooks: TurnHooks;
  readonly tools: OpsTools;
  /** What may be spent beside turns, and what was. */
  readonly spending: Pick<SpendingBudget, 'isSpent' | 'countUsage'>;
  /** The log of visitors' opinions, watched. */
  feedback(log: FeedbackLog): FeedbackLog;
  /** Once the chat is there: goes on with what an earlier process was cut off in. */
  start(chat: Chat): void;
  /** A path that signs in once, soon; undefined: the pages are off. */
  signInPath(): string | undefined;
  /** Ends what the open pages wait on. */
  endStreams(): void;
  stop(): Promise<void>;
}

interface OpsDeps {
  readonly store: OpsStore;
  readonly settings: SettingValues;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** undefined: pages and routes are off. */
  readonly opsToken: string | undefined;
  readonly sessionSecret: string;
  /** Whether other processes record, too. */
  readonly isShared: boolean;
  readonly backend: Backend;
  /** What the assistant's file says for operators. */
  readonly opsFields: () => { readonly unanswered?: readonly string[]; readonly refusal?: string };
  readonly documents: ServedDocuments;
  /** For webhooks and moderation; through the proxies that are set. */
  readonly fetch: typeof fetch;
  readonly gauges: Omit<Gauges, 'budgets'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where moderation is asked while no other server is set. */
const OPENAI = 'https://api.openai.com/v1';

export const openOps = (deps: OpsDeps): Operations => {
  const { store, settings, clock, logger, opsToken } = deps;
  const calendar = createCalendar(deps.env.TZ);
  const prices = createPrices(settings.PRICES ?? new Map());
  const refusals = createRefusals({ store, clock, logger });
  const webhooks = webhooksOf(deps);
  const live = createLiveFeed(deps.isShared ? () => newestOf(store) : undefined);
  const budget = createSpendingBudget({
    limits: {
      tokens: settings.DAILY_TOKENS,
      visitorTokens: settings.DAILY_TOKENS_PER_VISITOR,
      cost: settings.DAILY_COST,
    },
    ...{ prices, calendar, counts: store, clock, logger },
    onWarning: (warning) => webhooks?.budget(warning),
  });
  const metrics = createMetrics(prices, { ...deps.gauges, budgets: budget.state });
  const chat = Promise.withResolvers<Chat>();
  const { backend } = deps;
  const eraser = createEraser({
    store,
    alone: async (visitor, work) => (await chat.promise).alone(visitor, work),
    forgetThread: backend.forget && ((thread) => backend.forget?.(unstamped(thread)) ?? Promise.resolve()),
    nameOf: (visitor) => opaqueName(deps.sessionSecret, `audit:${visitorKey(visitor)}`).slice(0, 12),
    retention: settings.RETENTION,
    clock,
    logger,
  });

  const countAhead = (): void => {
    const { before, edges } = periodOf('30d', calendar, clock.now());
    store
      .overview([...before.slice(0, -1), ...edges])
      .catch((thrown: unknown) => logger.debug({ err: thrown }, 'nothing was counted ahead'));
  };
  let ahead: NodeJS.Timeout | undefined;
  const signIn = opsToken === undefined ? undefined : createSignIn(opsToken, clock);

  return {
    hooks: {
      ...maskingOf(settings),
      mayAccept: budget.check,
      ...moderationOf(deps),
      isUnanswered: createUnanswered(() => deps.opsFields().unanswered),
      onRecorded: (exchange, commitMs) => {
        metrics.recorded(exchange, commitMs);
        webhooks?.exchange(exchange);
        live.changed();
        budget.count(exchange).catch((thrown: unknown) => {
          logger.error({ err: thrown, exchange: exchange.id }, 'what a turn used was not counted');
        });
      },
      onThreadLeft: eraser.forget,
      onRefused: (code) => {
        metrics.refused(code);
        refusals.count(code);
      },
    },
    tools: {
      ...{ store, eraser, metrics, refusals, prices, calendar, logEntry },
      metricsArePublic: settings.METRICS_PUBLIC,
      pages:
        signIn === undefined
          ? undefined
          : {
              documents: deps.documents,
              ...{ store, live, logEntry, calendar, prices, clock, logger },
              signIn,
              erase: (visitor, by) => eraser.erase(visitor, by),
              budgets: budget.state,
              settings: shownSettings(settings, deps.env),
            },
    },
    spending: budget,
    feedback: (log) => ({
      setFeedback: async (id, visitor, feedback) => {
        const isKept = await log.setFeedback(id, visitor, feedback);
        if (isKept) {
          webhooks?.feedback({ id, visitor }, feedback);
          live.changed();
        }
        return isKept;
      },
    }),
    signInPath: () => signIn && `/ops/sign-in?once=${signIn.makeLink()}`,
    endStreams: live.stop,
    start: (started) => {
      chat.resolve(started);
      eraser.start();
      // Nobody is to wait for it at the first overview. The embedded store counts what comes by itself.
      if (!signIn || !deps.isShared) return;
      countAhead();
      ahead = setInterval(countAhead, 3_600_000).unref();
    },
    stop: () => {
      clearInterval(ahead);
      return stopAll({ live, webhooks, eraser, refusals });
    },
  };
};

const stopAll = async (parts: {
  live: { stop(): void };
  webhooks: { stop(): Promise<void> } | undefined;
  eraser: Eraser;
  refusals: { stop(): Promise<void> };
}): Promise<void> => {
  parts.live.stop();
  await Promise.all([parts.webhooks?.stop(), parts.eraser.stop(), parts.refusals.stop()]);
};

const newestOf = async (store: OpsStore): Promise<string | undefined> =>
  (await store.exchanges({}, { limit: 1 })).rows[0]?.id;

const maskingOf = ({ REDACT: kinds, REDACT_UPSTREAM: alsoSent }: SettingValues): TurnHooks => {
  if (kinds.length === 0) return {};
  const masked = createRedact(kinds);
  return { masked, ...(alsoSent && { maskedForUpstream: masked }) };
};

const webhooksOf = ({ settings, store, fetch, clock, logger }: OpsDeps) => {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secret } = settings;
  if (url === undefined) return undefined;
  const key = webhookKey(secret ?? '');
  const sign = key && ((id: string, at: number, body: string) => signatureOf(key, id, at, body));
  return createWebhooks({ url, sign, outbox: store, fetch, clock, logger });
};

const moderationOf = ({ settings, opsFields, fetch, clock, logger }: OpsDeps): TurnHooks => {
  const { MODERATION: who, OPENAI_API_KEY: apiKey = '', WEBHOOK_SECRET: secret } = settings;
  if (who === 'off') return {};
  const key = webhookKey(secret ?? '');
  const judge: Judge =
    who === 'openai'
      ? { kind: 'openai', baseUrl: settings.OPENAI_BASE_URL ?? OPENAI, apiKey }
      : {
          kind: 'webhook',
          url: who,
          sign:
            key &&
            ((body) => {
              const id = `mod_${crypto.randomUUID()}`;
              const at = Math.floor(clock.now() / 1000);
              return {
                'webhook-id': id,
                'webhook-timestamp': String(at),
                'webhook-signature': signatureOf(key, id, at, body),
              };
            }),
        };
  const refusal = () => opsFields().refusal ?? REFUSAL;
  return { screen: createModeration({ judge, onFailure: settings.MODERATION_FAIL, refusal, fetch, logger }) };
};

/** What operators see of the settings: as they were given, but for secrets and what a URL may carry. */
const shownSettings = (settings: SettingValues, env: OpsDeps['env']): ShownSetting[] => {
  const values: Readonly<Record<string, unknown>> = settings;
  return Object.entries<Setting>(SETTINGS).map(([name, row]) => {
    const given = env[name] || undefined;
    const text = given ?? row.fallback ?? 'not set';
    const isHidden = row.secret && values[name] !== undefined && given !== undefined;
    return {
      name,
      value: isHidden ? 'set' : text.replace(/\/\/[^/]*@/, '//…@').slice(0, 300),
      doc: row.doc,
      isDefault: given === undefined,
    };
  });
};
