/** An OpenAI-compatible server on loopback, that can be told to fail. */

import { type Answer, friendlyAnswer } from './answer.ts';
import { assistantRoutes } from './assistants.ts';
import { type CallCounts, Calls, type RecordedRequest } from './calls.ts';
import { completionRoutes } from './completions.ts';
import { conversationRoutes } from './conversations.ts';
import { embeddingRoutes } from './embeddings.ts';
import type { Endpoint } from './endpoints.ts';
import { type FaultHandle, type FaultRule, Faults } from './faults.ts';
import { createHttpServer } from './listener.ts';
import { modelRoutes } from './models.ts';
import { responseRoutes } from './responses.ts';
import { runRoutes } from './runs.ts';
import { threadRoutes } from './threads.ts';
import type { CallTools } from './tools.ts';
import { type ModelInfo, World } from './world.ts';

export interface EmulatorOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly host?: string;
  /** Milliseconds between two words; 0, the default: all at once. */
  readonly pace?: number;
  /** The most threads and conversations together; the longest unused ones are forgotten. */
  readonly maxThreads?: number;
  /** What is answered; must be a pure function. */
  readonly answer?: Answer;
  /** Which functions the model calls; if absent, none. */
  readonly callTools?: CallTools;
  /**
   * A response or run is given up when its reader leaves mid-answer; by default it goes on, holds its thread
   * until it is over, and is remembered. (A chat completion is always given up.)
   */
  readonly stopsWhenLeft?: boolean;
  /** The key that callers must send; absent: any or none. */
  readonly apiKey?: string;
  /** If given, only these models are served; else any is. */
  readonly models?: readonly ModelInfo[];
  /** If given, only these assistants, and those made here, are known; else any `asst_…` is. */
  readonly assistants?: readonly string[];
  /** How many of the last requests are remembered in `requests`; 100 if absent. */
  readonly record?: number;
}

export interface Emulator {
  /** The base URL: `http://127.0.0.1:41234/v1`. */
  readonly url: string;
  readonly port: number;
  /** Milliseconds between two words, for answers that begin from now on. */
  pace: number;
  /** Which functions the model calls, for answers that begin from now on. */
  callTools: CallTools | undefined;
  /** How often each endpoint was called; calls that were told to fail are counted too. */
  readonly calls: CallCounts;
  /** The last requests, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Answers being generated now: streamed, held, hung, or in the background. */
  readonly inFlight: number;
  /** How many callers have left before their answer was over. */
  readonly aborted: number;
  /** Threads and conversations that are remembered. */
  readonly threads: number;
  /**
   * Tells calls to fail. Rules strike in the order in which they were set, one a call.
   * @throws RangeError where this kind of fault cannot strike at that place.
   */
  fail(rule: FaultRule): FaultHandle;
  /** Lets all calls go on that are held or hung. */
  release(): void;
  /** Resolves with the next call of this endpoint (of any, if absent), once its handling has started. */
  next(endpoint?: Endpoint): Promise<RecordedRequest>;
  /** Resolves when the next caller leaves before its answer is over. */
  nextAbort(): Promise<void>;
  /** Resolves when no answer is being generated. */
  idle(): Promise<void>;
  /** Deletes a thread or conversation; says whether there was one. */
  deleteThread(id: string): boolean;
  /** Loses all state, as if the server had been restarted. Answers in flight are cut off. Faults and counts stay. */
  forgetEverything(): void;
  /** `forgetEverything`, and no faults, counts and recorded requests. */
  reset(): void;
  /** Refuses connections (ECONNREFUSED) and breaks those there are. What is generated goes on. */
  stopListening(): Promise<void>;
  /** Listens again, on the same port. */
  listenAgain(): Promise<void>;
  /** Ends at once, with all its sockets. May be called again. */
  close(): Promise<void>;
}

/** Starts an emulator; it listens when the promise resolves. */
export const createEmulator = async (options: EmulatorOptions = {}): Promise<Emulator> => {
  const host = options.host ?? '127.0.0.1';
  const world = new World({
    maxThreads: options.maxThreads ?? 10_000,
    answer: options.answer ?? friendlyAnswer,
    pace: options.pace ?? 0,
    callTools: options.callTools,
    stopsWhenLeft: options.stopsWhenLeft ?? false,
    models: options.models,
    assistants: options.assistants,
  });
  const calls = new Calls(options.record ?? 100);
  const faults = new Faults();
  let aborted = 0;
  let abortWaiters: (() => void)[] = [];
  let idleWaiters: (() => void)[] = [];

  world.onIdle = () => {
    const waiters = idleWaiters;
    idleWaiters = [];
    for (const wake of waiters) wake();
  };
  const onAborted = () => {
    if (!server.listening) return;
    aborted += 1;
    const waiters = abortWaiters;
    abortWaiters = [];
    for (const wake of waiters) wake();
  };

  const server = createHttpServer({
    routes: [
      ...conversationRoutes(world),
      ...responseRoutes(world),
      ...runRoutes(world),
      ...threadRoutes(world),
      ...assistantRoutes(world),
      ...completionRoutes(world),
      ...embeddingRoutes(world),
      ...modelRoutes(world),
    ],
    calls,
    faults,
    apiKey: options.apiKey,
    onAborted,
  });

  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  const stop = (): Promise<void> => {
    if (!server.listening) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    return promise;
  };
  const forgetEverything = () => {
    for (const turn of [...world.turns]) turn.drop();
    world.memory.clear();
  };

  await listen(options.port ?? 0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The emulator has no port.');
  const { port } = address;

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/v1`,
    port,
    get pace() {
      return world.pace;
    },
    set pace(milliseconds) {
      world.pace = milliseconds;
    },
    get callTools() {
      return world.callTools;
    },
    set callTools(callTools) {
      world.callTools = callTools;
    },
    get calls() {
      return calls.counts;
    },
    get requests() {
      return calls.requests;
    },
    get inFlight() {
      return world.turns.size;
    },
    get aborted() {
      return aborted;
    },
    get threads() {
      return world.memory.threads.size;
    },
    fail: (rule) => faults.add(rule),
    release: () => faults.release(),
    next: (endpoint) => calls.next(endpoint),
    nextAbort: () => new Promise((resolve) => abortWaiters.push(resolve)),
    idle: () =>
      world.turns.size === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve)),
    deleteThread: (id) => world.memory.threads.delete(id),
    forgetEverything,
    reset: () => {
      forgetEverything();
      faults.clear();
      calls.clear();
      aborted = 0;
    },
    stopListening: stop,
    listenAgain: () => (server.listening ? Promise.resolve() : listen(port)),
    close: async () => {
      for (const turn of [...world.turns]) turn.drop();
      faults.clear();
      await stop();
    },
  };
};
