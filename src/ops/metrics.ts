import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Exchange } from '../chat/model.ts';
import type { BudgetWarning } from './budget.ts';
import type { Prices } from './prices.ts';

/** Seconds: from what a cache answers in to what a patient visitor waits for. */
const WAITS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120];
const COMMITS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const PREFIX = 'thread_proxy_';

/** What is counted for Prometheus. No label has a visitor's id or words in it. */
export interface Metrics {
  /** A request was answered; of a stream, its head. @param route The route's pattern, never the path itself. */
  request(method: string, route: string, status: number, seconds: number): void;
  /** An exchange was recorded. @param commitMs How long that took; absent where nobody waited for it. */
  recorded(exchange: Exchange, commitMs?: number): void;
  /** A message or call was refused before it became an exchange. */
  refused(code: string): void;
  /** A limit was hit. @param limit Its name, such as `post`. */
  limited(limit: string): void;
  /** A stream is being read. @returns What is called when it is over. */
  stream(): () => void;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** What is looked at when Prometheus asks; a part that is absent is not told. */
export interface Gauges {
  readonly liveTurns?: () => number;
  readonly liveSockets?: () => number;
  /** Writes that wait for the store's writer. */
  readonly storeQueue?: () => number;
  /** Seconds that the last writing of conversations.json took; undefined: there was none. */
  readonly projectionSeconds?: () => number | undefined;
  /** What of each budget is used today. @throws Where that cannot be read. */
  readonly budgets?: () => Promise<readonly Pick<BudgetWarning, 'budget' | 'used' | 'limit'>[]>;
}

export const createMetrics = (prices: Prices, gauges: Gauges): Metrics => {
  const register = new Registry();
  const registers = [register];
  // Garbage collection, memory, CPU, handles and the event loop's delay come with it.
  collectDefaultMetrics({ register });
  const counter = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: PREFIX + name, help, labelNames: [...labelNames], registers });
  const histogram = <const L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ) => new Histogram({ name: PREFIX + name, help, labelNames: [...labelNames], buckets, registers });

  const requests = counter('http_requests_total', 'Requests answered.', ['method', 'route', 'status']);
  const durations = histogram(
    'http_request_seconds',
    "Time to the answer, or to a stream's head.",
    ['method', 'route'],
    WAITS,
  );
  const turns = counter(
    'turns_total',
    'Turns that ended, by outcome: answered, truncated, flagged or an error code.',
    ['outcome', 'backend'],
  );
  const firstWords = histogram(
    'first_word_seconds',
    'From the message to the first word.',
    ['backend'],
    WAITS,
  );
  const runs = histogram('turn_seconds', 'From the message to the end of its turn.', ['backend'], WAITS);
  const waits = histogram(
    'queue_wait_seconds',
    'From the message to the start of its run.',
    ['backend'],
    WAITS,
  );
  const tokens = counter('tokens_total', 'Tokens, as the upstream counted them.', [
    'direction',
    'backend',
    'model',
  ]);
  const cost = counter('cost_total', 'What tokens cost by PRICES, in its currency.', ['backend', 'model']);
  const refusals = counter('refused_total', 'Messages and calls refused before a run, by error code.', [
    'code',
  ]);
  const limits = counter('limited_total', 'Calls over a rate limit, by limit.', ['limit']);
  const commits = histogram('commit_seconds', 'Until a finished exchange was durable.', [], COMMITS);
  const gauge = (name: string, help: string, read: (() => number | undefined) | undefined): void => {
    if (!read) return;
    new Gauge({
      name: PREFIX + name,
      help,
      registers,
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  const streams = new Gauge({ name: `${PREFIX}live_streams`, help: 'Streams being read.', registers });
  gauge('live_turns', 'Answers being generated.', gauges.liveTurns);
  gauge('live_sockets', 'WebSockets that are open.', gauges.liveSockets);
  gauge('store_queue', "Writes that wait for the store's writer.", gauges.storeQueue);
  gauge(
    'projection_seconds',
    'How long conversations.json last took to be written.',
    gauges.projectionSeconds,
  );
  budgetGauges(registers, gauges.budgets);

  return {
    request: (method, route, status, seconds) => {
      requests.inc({ method, route, status: String(status) });
      durations.observe({ method, route }, seconds);
    },
    recorded: (exchange, commitMs) => {
      const { run, usage } = exchange;
      const backend = run?.backend ?? 'none';
      const model = run?.model ?? '';
      turns.inc({ outcome: outcomeOf(exchange), backend });
      if (commitMs !== undefined) commits.observe(commitMs / 1000);
      if (run) runs.observe({ backend }, run.totalMs / 1000);
      if (run?.firstWordMs !== undefined) firstWords.observe({ backend }, run.firstWordMs / 1000);
      if (run?.queuedMs !== undefined) waits.observe({ backend }, run.queuedMs / 1000);
      if (!usage) return;
      tokens.inc({ direction: 'input', backend, model }, usage.input);
      tokens.inc({ direction: 'output', backend, model }, usage.output);
      if (prices.isSet) cost.inc({ backend, model }, prices.costOf(model, usage) / 1e6);
    },
    refused: (code) => refusals.inc({ code }),
    limited: (limit) => limits.inc({ limit }),
    stream: () => {
      streams.inc();
      return () => streams.dec();
    },
    text: () => register.metrics(),
    contentType: register.contentType,
  };
};

const budgetGauges = (registers: Registry[], read: Gauges['budgets']): void => {
  if (!read) return;
  const labelNames = ['budget'] as const;
  const limit = new Gauge({
    ...{ name: `${PREFIX}budget_limit`, help: 'What a daily budget allows.', labelNames, registers },
  });
  new Gauge({
    ...{ name: `${PREFIX}budget_used`, help: 'What of a daily budget is used today.', labelNames, registers },
    async collect() {
      this.reset();
      // Where the store cannot be read, the other figures are of more interest than ever.
      for (const { budget, used, limit: most } of await read().catch(() => [])) {
        this.set({ budget }, used);
        limit.set({ budget }, most);
      }
    },
  });
};

const outcomeOf = ({ bot, error, flagged, truncated }: Exchange): string => {
  if (flagged) return 'flagged';
  if (bot === null) return error ?? 'internal_error';
  return truncated ? 'truncated' : 'answered';
};
