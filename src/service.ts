import type { DestinationStream } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { createChat } from './chat/chat.ts';
import { settleRepeatedly } from './chat/interrupted.ts';
import { visitorKey } from './chat/model.ts';
import { secretsIn } from './config/read-config.ts';
import { createApp } from './http/app.ts';
import { createServer } from './http/create-server.ts';
import { closeServer, listen } from './http/server.ts';
import { HEARTBEAT_MS } from './http/stream-answer.ts';
import { loadAssets } from './http/widget/assets.ts';
import { createSecretMatch } from './identity/secret-match.ts';
import { createSessionTokens, opaqueName } from './identity/session-tokens.ts';
import { createTemporaryKeys } from './identity/temporary-keys.ts';
import { createDailyBudget } from './limits/daily-budget.ts';
import { createAddressMatch } from './limits/trusted-proxies.ts';
import { createLogger } from './logging/logger.ts';
import { openOutput } from './logging/output.ts';
import { openDocuments } from './open-documents.ts';
import { openOps } from './open-ops.ts';
import { openStore } from './open-store.ts';
import { openUpstreams } from './open-upstreams.ts';
import { dailyShare, readSettings, turnLimits } from './read-settings.ts';
import { publicStoreReason } from './system-reason.ts';

/** A running service. */
export interface Service {
  /** Where it listens: `http://localhost:5000`. */
  readonly url: string;
  /** Reloads the assistant file and the folder of documents. */
  reloadAssistant(): Promise<void>;
  /** Takes no more messages, lets those in flight finish within SHUTDOWN_TIMEOUT, writes the log, closes. */
  stop(): Promise<void>;
}

interface StartOptions {
  /** Names and texts as in the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What there is to say of the environment, a sentence each; warned of at the start. */
  readonly warnings?: readonly string[];
  /** The terminal that standard output is, if it is one. */
  readonly terminal?: { readonly colours: boolean } | undefined;
  /** Where log lines go; absent: standard output. */
  readonly log?: DestinationStream;
  /** Milliseconds between comment lines in a stream. */
  readonly heartbeatMs?: number;
  /** Milliseconds in which a request must arrive whole. */
  readonly requestTimeoutMs?: number;
}

/**
 * Starts the service; it listens when the promise resolves.
 * @throws ConfigError, or Error where the folder or the port cannot be had.
 */
export const start = async (options: StartOptions): Promise<Service> => {
  const { file, config } = await readSettings(options.env);
  const { settings } = config;
  const clock = { now: () => Date.now() };
  const output = openOutput(options, settings.LOG_FORMAT);
  const logger = createLogger({ level: settings.LOG_LEVEL, secrets: secretsIn(settings) }, output.lines);
  const warnings = [...(options.warnings ?? []), ...config.warnings];
  if (!output.greet) for (const warning of warnings) logger.warn({}, warning);

  const isProduction = options.env.NODE_ENV === 'production';
  const isDemoOn = (settings.DEMO_PAGE ?? (isProduction ? 'off' : 'on')) === 'on';
  const { store, opsStore, countCall, shares, sessionSecrets, opsToken, opsTokenFile, place } =
    await openStore({
      settings,
      isProduction,
      clock,
      logger,
    });
  const closing = [() => store.close()];
  // Built while the rest starts, where it is not built yet; who asks for it before waits.
  const widgetAssets = loadAssets();
  widgetAssets.catch((thrown: unknown) => {
    logger.warn({ err: thrown }, 'the chat bubble could not be built, so /widget.js is not served');
  });
  try {
    const upstreams = openUpstreams({
      config,
      file,
      env: options.env,
      store,
      clock,
      logger,
      safetyIdentifier: (visitor) => opaqueName(sessionSecrets[0] ?? '', visitorKey(visitor)),
    });
    closing.push(upstreams.close);
    const documents = openDocuments({
      config,
      model: () => upstreams.assistant().model,
      spending: () => ops.spending,
      ...{ fetch: upstreams.fetch, clock, logger },
    });
    closing.push(documents.close);
    const ops = openOps({
      store: opsStore,
      settings,
      env: options.env,
      opsToken,
      sessionSecret: sessionSecrets[0] ?? '',
      isShared: countCall !== undefined,
      backend: upstreams.backend,
      opsFields: upstreams.ops,
      documents,
      fetch: upstreams.fetch,
      gauges: {
        liveTurns: () => chat.liveTurns(),
        liveSockets: () => sockets.count(),
        storeQueue: () => store.load().waiting,
        projectionSeconds: () => store.load().copySeconds,
      },
      clock,
      logger,
    });
    closing.push(ops.stop);
    const chat = createChat({
      backend: upstreams.backend,
      store,
      budget: createDailyBudget({
        limit: settings.DAILY_MESSAGES,
        shareLimit: dailyShare(settings),
        shares,
        opaque: (sharer) => opaqueName(sessionSecrets[0] ?? '', `share ${sharer}`),
        countMessage: (day, by) => store.countMessage(day, by),
        clock,
        logger,
      }),
      clock,
      logger,
      limits: turnLimits(settings),
      hooks: { quote: documents.quote, ...ops.hooks },
    });
    await chat.settleInterrupted();
    ops.start(chat);
    const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    const edge = {
      allowedOrigins: settings.ALLOWED_ORIGINS,
      publicOrigin: settings.PUBLIC_ORIGIN,
      trustProxy: settings.TRUST_PROXY,
      isTrustedProxy: createAddressMatch(settings.TRUSTED_PROXIES),
    };
    const app = createApp({
      chat,
      transcript: store,
      documents,
      feedback: ops.feedback(store),
      identity: {
        tokens: createSessionTokens({
          secrets: sessionSecrets,
          ttl: settings.SESSION_TTL,
          max: settings.SESSION_MAX,
          grace: settings.SESSION_GRACE,
          ended: store,
          clock,
        }),
        temporaryKeys: createTemporaryKeys({ secrets: sessionSecrets, clock }),
        mode: settings.IDENTITY,
        isSiteKey: createSecretMatch(settings.SITE_KEYS ?? []),
        verifiedUsers: store,
      },
      rates: {
        perAddress: settings.RATE_LIMIT,
        perVisitor: settings.RATE_LIMIT_VISITOR,
        countCall,
      },
      edge,
      messages: { maxChars: settings.MAX_MESSAGE_CHARS, heartbeatMs },
      ops: {
        isOpsToken: opsToken === undefined ? null : createSecretMatch([opsToken]),
        tools: ops.tools,
      },
      about: {
        version: packageJson.version,
        assistant: () => upstreams.assistant(),
        isOffline: config.upstream.kind === 'offline',
        widget: () => upstreams.widget(),
        readiness: () => {
          const health = store.health();
          if (chat.isDraining()) return { ready: false, reason: 'shutting down' };
          if (health.ok) return { ready: true, notes: upstreams.notes() };
          const kind = settings.DATABASE_URL === undefined ? 'folder' : 'database';
          return { ready: false, reason: publicStoreReason(kind, health.reason) };
        },
      },
      pages: {
        widgetAssets: () => widgetAssets,
        isDemoOn,
        publicOrigin: settings.PUBLIC_ORIGIN,
      },
      dialects: settings.DIALECTS,
      clock,
      logger,
    });
    const { sockets } = app;
    const server = createServer(app, {
      edge,
      checkMs: heartbeatMs,
      requestTimeoutMs: options.requestTimeoutMs,
    });
    const url = await listen(server, settings.HOST, settings.PORT);
    // Other processes may die at any time; whoever looks first logs what they were cut off in.
    const settling = countCall && settleRepeatedly(chat, logger);
    void documents.readFolder();
    if (output.greet) {
      const { upstream } = config;
      const answers =
        upstream.kind === 'offline'
          ? undefined
          : `${upstreams.assistant().model ?? upstream.kind} at ${new URL(upstream.baseUrl).host}`;
      const opsPage = isProduction ? opsToken && '/ops' : ops.signInPath();
      const pages = { demoPage: isDemoOn ? '/' : undefined, opsPage, opsTokenFile };
      output.greet({ version: packageJson.version, url, answers, ...pages, data: place, warnings });
    } else {
      if (opsTokenFile !== undefined) logger.info({ file: opsTokenFile }, 'the ops token is in this file');
      logger.info({ url, pid: process.pid, backend: config.upstream.kind, data: place }, 'listening');
    }

    return {
      url,
      reloadAssistant: async () => {
        await upstreams.reload();
        await documents.readFolder();
      },
      stop: async () => {
        logger.info({ live: chat.liveTurns() }, 'stopping: no new messages are accepted');
        settling?.stop();
        sockets.drain();
        await chat.drain(settings.SHUTDOWN_TIMEOUT);
        await sockets.close();
        ops.endStreams();
        await closeServer(server);
        for (const close of closing.reverse()) await close();
        // A build that is cut off says so: not after the last line.
        await widgetAssets.catch(() => undefined);
        logger.info({}, 'stopped');
      },
    };
  } catch (thrown) {
    for (const close of closing.reverse()) await close();
    throw thrown;
  }
};
