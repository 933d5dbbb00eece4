/**
 * `npm run bench`: what is fast is shown here. Service, emulator, baseline and load generator are processes of
 * their own on this machine, so ratios within a run count; absolute figures inform.
 *
 *   npm run bench                      everything
 *   npm run bench -- --quick           everything, in less than a minute
 *   npm run bench -- append start      only these
 *   npm run bench -- --json            for machines
 *   npm run bench -- peers             beside other ways to do it; install them first: npm ci --prefix bench/peers
 *   npm run bench -- documents --collection <folder>   search on a public collection: docs.jsonl, queries.jsonl, qrels.tsv
 *
 * For whoever looks for what is slow: BENCH_NODE_ARGS (such as --heap-growing-percent=50) are given to the service's
 * node, BENCH_SERVICE is another main.ts to measure, BENCH_DIR the folder whose disk is used instead of the system's
 * temporary one.
 */

import { parseArgs } from 'node:util';
import { append } from './append.ts';
import { cleanUpAtExit } from './children.ts';
import { documents } from './documents.ts';
import { latency } from './latency.ts';
import { ops } from './ops.ts';
import { peers } from './peers.ts';
import { postgres } from './postgres.ts';
import { processes } from './processes.ts';
import { rebuild } from './rebuild.ts';
import { type Bench, type Row, tableOf } from './report.ts';
import { snapshots } from './snapshots.ts';
import { start } from './start.ts';
import { sockets, streams } from './streams.ts';
import { throughput } from './throughput.ts';
import { tokens } from './tokens.ts';
import { widget } from './widget.ts';

const BENCHES: Record<string, Bench> = {
  latency,
  throughput,
  append,
  snapshots,
  streams,
  sockets,
  tokens,
  start,
  rebuild,
  ops,
  postgres,
  processes,
  widget,
  documents,
  peers,
};

const usage = (): never => {
  console.error(`npm run bench -- [--quick] [--json] [${Object.keys(BENCHES).join(' | ')} …]`);
  process.exit(2);
};

const readArguments = () => {
  try {
    const options = {
      quick: { type: 'boolean' },
      json: { type: 'boolean' },
      collection: { type: 'string' },
    } as const;
    return parseArgs({ options, allowPositionals: true });
  } catch {
    return usage();
  }
};

const { values, positionals } = readArguments();
// The peers are a package of their own, which not everyone has.
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES).filter((name) => name !== 'peers');

cleanUpAtExit();
const began = performance.now();
const rows: Row[] = [];
for (const name of names) {
  const bench = BENCHES[name] ?? usage();
  const benchBegan = performance.now();
  rows.push(...(await bench({ quick: values.quick ?? false, collection: values.collection })));
  console.error(`${name}: ${((performance.now() - benchBegan) / 1000).toFixed(1)} s`);
}
if (values.json) console.log(JSON.stringify(rows, null, 2));
else
  console.log(
    `\n${tableOf(rows)}\n\n${((performance.now() - began) / 1000).toFixed(0)} s, Node ${process.version}`,
  );
// All benches are over; a figure over its target is no failure.
process.exit(0);
