/**
 * A strict reader of Prometheus' text format, by its published grammar
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): what it takes, Prometheus takes.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';

export interface Sample {
  /** With the suffix of a histogram or summary. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: MetricType;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\[\\\\n])*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (\\w+)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)(?: -?\\d+)?$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const SUFFIXES: Partial<Record<MetricType, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

const numberIn = (text: string): number => {
  // As Go's ParseFloat, which Prometheus reads them with.
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!NUMBER.test(text)) throw new Error(`no number: ${text}`);
  return Number(text);
};

const labelsOf = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const [, name, value = ''] = LABEL.exec(text) ?? [];
    if (name === undefined) throw new Error(`no label: ${text.slice(at)}`);
    if (name in labels) throw new Error(`a label twice: ${name}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_, sign) => (sign === 'n' ? '\n' : sign));
  }
  return labels;
};

/** Buckets must grow to `+Inf`, which is the count. */
const checkHistogram = (name: string, samples: readonly Sample[]): void => {
  const series = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => JSON.stringify(labels));
  for (const [labels, parts] of series) {
    const buckets = parts.filter((part) => part.name === `${name}_bucket`);
    const edges = buckets.map(({ labels: { le = 'none' } }) => numberIn(le));
    const counts = buckets.map(({ value }) => value);
    const isAscending = (numbers: readonly number[]) => numbers.every((n, i) => n >= (numbers[i - 1] ?? n));
    const count = parts.find((part) => part.name === `${name}_count`)?.value;
    const hasSum = parts.some((part) => part.name === `${name}_sum`);
    if (edges.at(-1) !== Infinity || counts.at(-1) !== count || !hasSum)
      throw new Error(`${name}${labels} is incomplete`);
    if (!isAscending(edges) || !isAscending(counts)) throw new Error(`${name}${labels} does not grow`);
  }
};

/** @throws Error at the first line that Prometheus would refuse, or would take for something else. */
export const parsePrometheus = (text: string): Map<string, Family> => {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, { type: MetricType; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current: string | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    if (line.startsWith('# HELP ')) {
      const [, name, told = ''] = HELP.exec(line) ?? [];
      if (name === undefined) throw new Error(`no HELP: ${line}`);
      help = { name, text: told };
      continue;
    }
    if (line.startsWith('# TYPE ')) {
      const [, name, given] = TYPE.exec(line) ?? [];
      const type = TYPES.find((known) => known === given);
      if (name === undefined || !type || families.has(name)) throw new Error(`no TYPE: ${line}`);
      families.set(name, { type, help: help?.name === name ? help.text : '', samples: [] });
      current = name;
      continue;
    }
    if (line.startsWith('#')) continue;
    const [, name = '', labelText = '', number = ''] = SAMPLE.exec(line) ?? [];
    const family = current === undefined ? undefined : families.get(current);
    if (!family) throw new Error(`a sample without a TYPE: ${line}`);
    const suffixes = SUFFIXES[family.type] ?? [''];
    if (!suffixes.some((suffix) => name === current + suffix)) throw new Error(`not of ${current}: ${line}`);
    const labels = labelsOf(labelText);
    const series = `${name}${JSON.stringify(Object.entries(labels).toSorted())}`;
    if (seen.has(series)) throw new Error(`twice: ${line}`);
    seen.add(series);
    family.samples.push({ name, labels, value: numberIn(number) });
  }
  for (const [name, { type, samples }] of families) if (type === 'histogram') checkHistogram(name, samples);
  return families;
};
