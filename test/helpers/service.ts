import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { createEmulator, type Emulator, type EmulatorOptions } from '../../emulator/server.ts';
import { type Service, start } from '../../src/service.ts';
import { atEnd } from './at-end.ts';
import { readEvents, type ServerEvent } from './events.ts';

/** What the log holds of an exchange. */
export const logged = z.looseObject({
  id: z.string(),
  user: z.string(),
  bot: z.string().nullable(),
  timestamp: z.number(),
  error: z.string().optional(),
  session: z.string().optional(),
  truncated: z.literal(true).optional(),
});
export type Logged = z.output<typeof logged>;

/** conversations.json as it is now. */
export const readLog = async (dir: string): Promise<Record<string, Logged[]>> => {
  const whole: unknown = JSON.parse(await readFile(path.join(dir, 'conversations.json'), 'utf8'));
  // Not a schema of the whole: zod drops the key __proto__, which is a visitor like any.
  const entries = Object.entries(whole instanceof Object ? whole : {});
  return Object.fromEntries(entries.map(([key, exchanges]) => [key, z.array(logged).parse(exchanges)]));
};

/** A folder that goes when the test is over. */
export const temporaryFolder = async (): Promise<string> => {
  const dir = await mkdtemp(path.join(tmpdir(), 'thread-proxy-'));
  atEnd(() => rm(dir, { recursive: true, force: true }));
  return dir;
};

/** An emulator that ends with the test. */
export const startEmulator = async (options: EmulatorOptions = {}): Promise<Emulator> => {
  const emulator = await createEmulator(options);
  atEnd(() => emulator.close());
  return emulator;
};

export const BACKENDS = ['responses', 'assistants', 'completions'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** The settings that put a backend in front of an emulator. */
export const upstreamEnv = (emulator: { url: string }, backend: BackendName = 'responses') => ({
  BACKEND: backend,
  OPENAI_BASE_URL: emulator.url,
  OPENAI_API_KEY: 'test-key-that-nobody-else-has',
  OPENAI_MODEL: 'gpt-6-luna',
  ...(backend === 'assistants' ? { OPENAI_ASSISTANT_ID: 'asst_test' } : {}),
});

export interface TestService extends Service {
  readonly dir: string;
  /** The log lines so far, parsed. */
  readonly lines: readonly LogLine[];
  /** Posts a body as JSON to /api/chat. */
  post(body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Posts a body and reads the answer's events as they come. */
  stream(body: unknown, headers?: Record<string, string>): Promise<EventAnswer>;
  /** Stops the service and gives the log as it was left. */
  finalLog(): Promise<Record<string, Logged[]>>;
}

const logLine = z.looseObject({ level: z.string(), msg: z.string() });
export type LogLine = z.output<typeof logLine>;

const answerBody = z.looseObject({
  answer: z.string().optional(),
  id: z.string().optional(),
  session_token: z.string().optional(),
  truncated: z.boolean().optional(),
  error: z
    .object({ code: z.string(), message: z.string(), detail: z.string().optional(), request_id: z.string() })
    .optional(),
});

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: z.output<typeof answerBody>;
}

export interface EventAnswer {
  readonly response: Response;
  readonly events: AsyncGenerator<ServerEvent, void, undefined>;
}

/**
 * Starts the real service on a free port, in a folder of its own, without a limit on calls, and stops it with the
 * test. A test names only the settings that it is about.
 */
export const startService = async (
  env: Record<string, string> = {},
  options: { heartbeatMs?: number; requestTimeoutMs?: number } = {},
): Promise<TestService> => {
  const dir = env.DATA_DIR ?? (await temporaryFolder());
  const lines: LogLine[] = [];
  const defaults = {
    PORT: '0',
    HOST: '127.0.0.1',
    RATE_LIMIT: 'off',
    // All tests call from one address.
    DAILY_MESSAGES_PER_ADDRESS: 'off',
    LOG_LEVEL: 'debug',
  };
  const service = await start({
    env: { ...defaults, ...env, DATA_DIR: dir },
    log: { write: (line) => void lines.push(logLine.parse(JSON.parse(line))) },
    ...options,
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= service.stop();
    return stopped;
  };
  atEnd(stop);
  const send = (body: unknown, headers: Record<string, string>) =>
    fetch(`${service.url}/api/chat`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  return {
    ...service,
    dir,
    lines,
    stop,
    post: async (body, headers = {}) => {
      const response = await send(body, headers);
      return {
        status: response.status,
        headers: response.headers,
        body: answerBody.parse(await response.json()),
      };
    },
    stream: async (body, headers = {}) => {
      const response = await send(body, { Accept: 'text/event-stream', ...headers });
      return { response, events: readEvents(response) };
    },
    finalLog: async () => {
      await stop();
      return readLog(dir);
    },
  };
};

/** An emulator and a service in front of it. */
export const startBoth = async (
  options: {
    backend?: BackendName;
    env?: Record<string, string>;
    emulator?: EmulatorOptions;
    heartbeatMs?: number;
  } = {},
) => {
  const emulator = await startEmulator(options.emulator);
  const { heartbeatMs } = options;
  const service = await startService(
    { ...upstreamEnv(emulator, options.backend), ...options.env },
    heartbeatMs === undefined ? {} : { heartbeatMs },
  );
  return { emulator, service };
};
