import type { FoundAssistant } from './assistant/find-file.ts';
import { createLiveAssistant, type LiveAssistant } from './assistant/live-assistant.ts';
import type { OpsFields } from './assistant/ops-fields.ts';
import type { Env } from './assistant/tools.ts';
import type { WidgetFields } from './assistant/widget-fields.ts';
import { createAdviser } from './backends/advice.ts';
import { type BackendSettings, createBackend, droppedBy } from './backends/create.ts';
import { createFallbackBackend } from './backends/fallback.ts';
import { createHttpClient, type Proxies } from './backends/http-client.ts';
import { watchModelShutdown } from './backends/model-shutdown.ts';
import { createOfflineBackend } from './backends/offline.ts';
import type { Backend } from './chat/backend-port.ts';
import type { Visitor } from './chat/model.ts';
import type { Clock, Logger } from './chat/ports.ts';
import type { Store } from './chat/store-port.ts';
import { proxyUrl } from './config/address-kinds.ts';
import type { Config } from './config/read-config.ts';

/** Where there is a fallback, the first upstream has this part of the turn to send its headers in. */
const HEADERS_SHARE = 3;

/** What answers, put together from the settings and the assistant file. */
export interface Upstreams {
  readonly backend: Backend;
  /** What visitors may know of who answers. */
  assistant(): { readonly name: string | undefined; readonly model: string | undefined };
  /** What the assistant's file says of our own chat bubble. */
  widget(): WidgetFields;
  /** What it says for operators. */
  ops(): OpsFields;
  /** What ops should know of them now, a sentence each. */
  notes(): string[];
  /** How calls to upstreams are made: through the proxies that are set. */
  readonly fetch: typeof fetch;
  /** Reloads the assistant file. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

interface UpstreamsDeps {
  readonly config: Config;
  readonly file: FoundAssistant | undefined;
  readonly env: Env;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly safetyIdentifier: (visitor: Visitor) => string;
}

/** Opens what answers: one upstream, or two, or the built-in offline assistant. */
export const openUpstreams = (deps: UpstreamsDeps): Upstreams => {
  const { config, clock, logger } = deps;
  const first = config.upstream.kind === 'offline' ? undefined : config.upstream;
  const second = config.fallback;
  const http = createHttpClient(proxiesIn(deps.env, config.settings));
  const assistant = createLiveAssistant({
    path: deps.file?.path,
    loaded: deps.file?.loaded,
    env: deps.env,
    fetch: http.fetch,
    clock,
    logger,
    onChange: (definition) => {
      for (const upstream of [first, second].filter((one) => one !== undefined)) {
        for (const sentence of droppedBy(upstream, definition))
          logger.warn({ backend: upstream.kind }, sentence);
      }
    },
  });
  const common = { ...backendSettings(deps, assistant), http };
  // Someone who waits for headers to the end of the turn leaves the fallback no time.
  const patience = second ? { headersTimeout: config.settings.RUN_TIMEOUT / HEADERS_SHARE } : {};
  const adviser = first && createAdviser({ ...first, prefix: 'OPENAI_' }, logger);
  const firstBackend =
    first && adviser ? createBackend({ ...common, ...first, ...patience, adviser }) : createOfflineBackend();
  const fallback =
    second &&
    createFallbackBackend({
      first: firstBackend,
      second: createBackend({
        ...common,
        ...second,
        adviser: createAdviser({ ...second, prefix: 'FALLBACK_' }, logger),
        definition: withModel(assistant, config.settings.FALLBACK_MODEL),
      }),
      logger,
    });
  const model = () => (first ? (assistant.definition().model ?? first.model) : 'offline');
  const shutdown = first && adviser && watchModelShutdown({ ...first, http, adviser, model, clock, logger });
  return {
    backend: fallback ?? firstBackend,
    assistant: () => ({ name: assistant.definition().name ?? undefined, model: model() }),
    widget: () => {
      const { name, 'x-widget': widget } = assistant.definition();
      return { ...(name ? { title: name.slice(0, 80) } : {}), ...widget };
    },
    ops: () => assistant.definition()['x-ops'] ?? {},
    notes: () => [fallback?.note(), shutdown?.note()].filter((note) => note !== undefined),
    fetch: http.fetch,
    reload: () => assistant.reload(),
    close: async () => {
      shutdown?.stop();
      http.close();
    },
  };
};

/** Other programs read them in small letters, too; those are not checked at the start, so a bad one is left aside. */
export const proxiesIn = (env: Env, settings: Config['settings']): Proxies => {
  const small = (name: string) => (proxyUrl.safeParse(env[name] ?? '').success ? env[name] : undefined);
  return {
    HTTP_PROXY: small('http_proxy') ?? settings.HTTP_PROXY,
    HTTPS_PROXY: small('https_proxy') ?? settings.HTTPS_PROXY,
    NO_PROXY: env.no_proxy || settings.NO_PROXY,
  };
};

const backendSettings = (
  { config, store, safetyIdentifier, logger }: UpstreamsDeps,
  assistant: LiveAssistant,
) => ({
  definition: () => assistant.definition(),
  callTool: assistant.callTool,
  maxAnswerTokens: config.settings.MAX_ANSWER_TOKENS,
  idleTimeout: config.settings.STREAM_IDLE_TIMEOUT,
  runTimeout: config.settings.RUN_TIMEOUT,
  safetyIdentifier,
  facts: store,
  logger,
});

/** The second upstream's model comes before the file's, which names one of the first's. */
const withModel = (assistant: LiveAssistant, model: string | undefined): BackendSettings['definition'] => {
  if (model === undefined) return () => assistant.definition();
  let seen = assistant.definition();
  let made = { ...seen, model };
  return () => {
    if (seen !== assistant.definition()) {
      seen = assistant.definition();
      made = { ...seen, model };
    }
    return made;
  };
};
