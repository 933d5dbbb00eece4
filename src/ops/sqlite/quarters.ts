import { percentile, stepOf } from '../histogram.ts';
import type { Figures, ModelUse, Percentiles } from '../ops-port.ts';

interface PackedTimes {
  readonly sum: number;
  /** Each step and how often it was hit, one after the other. */
  readonly steps: readonly number[];
}

/** {@link Sums} in a form that takes little memory, and can be JSON. */
export interface PackedSums {
  readonly messages: number;
  readonly flagged: number;
  readonly unanswered: number;
  readonly up: number;
  readonly down: number;
  readonly firstWord: PackedTimes;
  readonly total: PackedTimes;
  readonly models: readonly (readonly [name: string, runs: number, input: number, output: number])[];
  readonly codes: readonly (readonly [code: string, count: number])[];
  /** Number, messages and tokens of each visitor, one after the other. */
  readonly visitors: readonly number[];
}

/** Times that were measured: their sum, and how often each step of the scale was hit. */
class Times {
  sum = 0;
  readonly steps = new Map<number, number>();

  add(ms: number): void {
    this.sum += ms;
    this.hit(stepOf(ms), 1);
  }
  hit(step: number, count: number): void {
    this.steps.set(step, (this.steps.get(step) ?? 0) + count);
  }
  join({ sum, steps }: PackedTimes): void {
    this.sum += sum;
    for (let at = 0; at < steps.length; at += 2) this.hit(steps[at] ?? 0, steps[at + 1] ?? 0);
  }
  packed(): PackedTimes {
    return { sum: this.sum, steps: [...this.steps].flat() };
  }
  percentiles(): Percentiles | undefined {
    const count = [...this.steps.values()].reduce((sum, hits) => sum + hits, 0);
    if (count === 0) return undefined;
    const [p50, p95] = [percentile(this.steps, 0.5), percentile(this.steps, 0.95)];
    return { mean: this.sum / count, p50, p95 };
  }
}

/** An exchange as far as figures need it. */
export interface Counted {
  readonly visitor: number | null;
  readonly error: string | null;
  readonly rating: string | null;
  readonly flagged: boolean;
  readonly unanswered: boolean;
  readonly input: number;
  readonly output: number;
  readonly backend: string | null;
  readonly model: string | null;
  readonly firstWordMs: number | null;
  readonly totalMs: number | null;
}

/** Messages and tokens of a visitor. */
export interface VisitorUse {
  messages: number;
  tokens: number;
}

const NO_VISITOR = -1;

/** The figures of a quarter of an hour, or of several together. */
export class Sums {
  messages = 0;
  failed = 0;
  flagged = 0;
  unanswered = 0;
  up = 0;
  down = 0;
  readonly firstWord = new Times();
  readonly total = new Times();
  readonly models = new Map<string, { runs: number; input: number; output: number }>();
  readonly codes = new Map<string, number>();
  readonly visitors = new Map<number, VisitorUse>();

  add(exchange: Counted): void {
    const { visitor, error, rating, input, output, backend, model, firstWordMs, totalMs } = exchange;
    this.messages++;
    if (exchange.flagged) this.flagged++;
    if (exchange.unanswered) this.unanswered++;
    if (rating === 'up') this.up++;
    if (rating === 'down') this.down++;
    if (error !== null) this.#fail(error, 1);
    if (firstWordMs !== null) this.firstWord.add(firstWordMs);
    if (totalMs !== null) this.total.add(totalMs);
    if (backend !== null) this.#use(`${backend}\n${model ?? ''}`, 1, input, output);
    this.#visit(visitor ?? NO_VISITOR, 1, input + output);
  }

  join(other: PackedSums): void {
    this.messages += other.messages;
    this.flagged += other.flagged;
    this.unanswered += other.unanswered;
    this.up += other.up;
    this.down += other.down;
    this.firstWord.join(other.firstWord);
    this.total.join(other.total);
    for (const [code, count] of other.codes) this.#fail(code, count);
    for (const [name, runs, input, output] of other.models) this.#use(name, runs, input, output);
    const { visitors } = other;
    for (let at = 0; at < visitors.length; at += 3) {
      this.#visit(visitors[at] ?? NO_VISITOR, visitors[at + 1] ?? 0, visitors[at + 2] ?? 0);
    }
  }

  packed(): PackedSums {
    const { messages, flagged, unanswered, up, down } = this;
    return {
      ...{ messages, flagged, unanswered, up, down },
      firstWord: this.firstWord.packed(),
      total: this.total.packed(),
      models: [...this.models].map(([name, { runs, input, output }]) => [name, runs, input, output]),
      codes: [...this.codes],
      visitors: [...this.visitors].flatMap(([ref, use]) => [ref, use.messages, use.tokens]),
    };
  }

  #fail(code: string, count: number): void {
    this.failed += count;
    this.codes.set(code, (this.codes.get(code) ?? 0) + count);
  }

  #use(name: string, runs: number, input: number, output: number): void {
    const known = this.models.get(name);
    if (!known) this.models.set(name, { runs, input, output });
    else {
      known.runs += runs;
      known.input += input;
      known.output += output;
    }
  }

  #visit(ref: number, messages: number, tokens: number): void {
    const known = this.visitors.get(ref);
    if (!known) this.visitors.set(ref, { messages, tokens });
    else {
      known.messages += messages;
      known.tokens += tokens;
    }
  }

  figures(refused: Readonly<Record<string, number>>): Figures {
    const { messages, failed, flagged, unanswered, up, down } = this;
    const [firstWordMs, totalMs] = [this.firstWord.percentiles(), this.total.percentiles()];
    const models = [...this.models].map(([name, use]): ModelUse => {
      const [backend = '', model = ''] = name.split('\n');
      return { backend, model, ...use };
    });
    return {
      ...{ messages, failed, flagged, unanswered, up, down, visitors: this.visitors.size, models, refused },
      ...(firstWordMs && { firstWordMs }),
      ...(totalMs && { totalMs }),
    };
  }

  /** Visitors with the most messages. */
  busiest(count: number): readonly { ref: number | null; messages: number; tokens: number }[] {
    return [...this.visitors]
      .toSorted(([, one], [, other]) => other.messages - one.messages)
      .slice(0, count)
      .map(([ref, use]) => ({ ref: ref === NO_VISITOR ? null : ref, ...use }));
  }
}
