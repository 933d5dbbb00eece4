import { randomBytes } from 'node:crypto';
import type { FoundAssistant } from './assistant/find-file.ts';
import { type HeldAssistant, holdAssistant } from './assistant/held.ts';
import type { Env } from './assistant/tools.ts';
import { type BackendSettings, createBackend, droppedBy } from './backends/create.ts';
import { createFallbackBackend } from './backends/fallback.ts';
import { watchRetirement } from './backends/retirement.ts';
import type { Backend, Clock, Logger, Store, Visitor } from './chat/ports.ts';
import { createEmulator } from './emulator/server.ts';
import type { Config } from './read-config.ts';
import type { Upstream } from './upstream-choice.ts';

/** Milliseconds between two words of the offline assistant. */
const OFFLINE_PACE_MS = 25;

/** Where there is a fallback, the first upstream has this part of the turn to send its headers in. */
const HEADERS_SHARE = 3;

/** What answers, put together from the settings and the assistant file. */
export interface Upstreams {
  readonly backend: Backend;
  /** What visitors may know of who answers. */
  assistant(): { readonly name: string | undefined; readonly model: string | undefined };
  /** What ops should know of them now, a sentence each. */
  notes(): string[];
  /** Reads the assistant file anew. */
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

/** Starts what answers: one upstream, or two, or the built-in offline assistant. */
export const startUpstreams = async (deps: UpstreamsDeps): Promise<Upstreams> => {
  const { config, clock, logger } = deps;
  const first = await reach(config.upstream);
  const second = config.fallback;
  const assistant = holdAssistant({
    path: deps.file?.path,
    loaded: deps.file?.loaded,
    env: deps.env,
    clock,
    logger,
    onChange: (definition) => {
      for (const upstream of [first.settings, ...(second ? [second] : [])]) {
        for (const sentence of droppedBy(upstream, definition))
          logger.warn({ backend: upstream.kind }, sentence);
      }
    },
  });
  const common = backendSettings(deps, assistant);
  // Someone who waits for headers to the end of the turn leaves the fallback no time.
  const patience = second ? { headersTimeout: config.settings.RUN_TIMEOUT / HEADERS_SHARE } : {};
  const firstBackend = createBackend({ ...common, ...first.settings, ...patience });
  const fallback =
    second &&
    createFallbackBackend({
      first: firstBackend,
      second: createBackend({
        ...common,
        ...second,
        definition: withModel(assistant, config.settings.FALLBACK_MODEL),
      }),
      logger,
    });
  const retirement =
    config.upstream.kind === 'offline'
      ? undefined
      : watchRetirement({
          ...first.settings,
          model: () => assistant.definition().model ?? first.settings.model,
          clock,
          logger,
        });
  return {
    backend: fallback ?? firstBackend,
    assistant: () => {
      const { name, model } = assistant.definition();
      return { name: name ?? undefined, model: model ?? first.settings.model };
    },
    notes: () => [fallback?.note(), retirement?.note()].filter((note) => note !== undefined),
    reload: () => assistant.reload(),
    close: async () => {
      retirement?.stop();
      await first.close();
    },
  };
};

const backendSettings = ({ config, store, safetyIdentifier }: UpstreamsDeps, assistant: HeldAssistant) => ({
  definition: () => assistant.definition(),
  callTool: assistant.callTool,
  maxAnswerTokens: config.settings.MAX_ANSWER_TOKENS,
  idleTimeout: config.settings.STREAM_IDLE_TIMEOUT,
  runTimeout: config.settings.RUN_TIMEOUT,
  safetyIdentifier,
  facts: store,
});

/** The second upstream's model comes before the file's, which names one of the first's. */
const withModel = (assistant: HeldAssistant, model: string | undefined): BackendSettings['definition'] => {
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

/** The upstream's address and key; where there is none, the built-in emulator is started and is it. */
const reach = async (upstream: Upstream) => {
  if (upstream.kind !== 'offline') return { settings: upstream, close: async () => {} };
  const apiKey = randomBytes(16).toString('hex');
  const emulator = await createEmulator({ pace: OFFLINE_PACE_MS, apiKey, record: 0 });
  const settings = {
    kind: 'responses' as const,
    baseUrl: emulator.url,
    apiKey,
    model: 'offline',
    assistantId: undefined,
    isOpenAI: false,
    // Its port is another at each start.
    server: 'offline',
  };
  return { settings, close: () => emulator.close() };
};
