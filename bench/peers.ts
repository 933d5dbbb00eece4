/** The service beside other ways to put an assistant behind a page, in one run, all against one emulator. */

import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Target } from './call.ts';
import { type Program, removeFolder, startProgram, temporaryFolder } from './children.ts';
import { median, milliseconds, percentile, perSecond } from './figures.ts';
import { startGenerator, visitorsOf } from './load.ts';
import { expectedAnswer, startBaseline, startEmulator, startService } from './programs.ts';
import type { Bench, Row } from './report.ts';

const CALLERS = 32;
/** Each has said something before anything is measured, at most one a caller at a time. */
const VISITORS = { quick: CALLERS * 2, whole: CALLERS * 10 };
const FOLDER = join(import.meta.dirname, 'peers');
const GATEWAY = join(FOLDER, 'node_modules/@portkey-ai/gateway/build/start-server.js');

/** Whether `npm ci --prefix bench/peers` was run. */
export const PEERS_ARE_INSTALLED = existsSync(GATEWAY);

interface Peer {
  readonly name: string;
  readonly program: Program;
  /** Absent: it has no such answers. */
  readonly json?: Target['form'];
  readonly stream?: Target['form'];
  readonly headers?: Readonly<Record<string, string>>;
  /** What a site needs that this does not do. */
  readonly lacks: string;
}

/** A port that nobody listens on now: the gateway says its port only as it was told. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

const startHandler = (script: string, upstream: string, folder: string): Promise<Program> =>
  startProgram(join(FOLDER, script), {
    env: { UPSTREAM: upstream, LOG_FILE: join(folder, `${script}.log`) },
    ready: /listening on (http:\S+)/,
  });

const startGateway = async (): Promise<Program> => {
  const port = await freePort();
  const { url, ...program } = await startProgram(GATEWAY, {
    env: { NODE_ENV: 'production' },
    args: [`--port=${port}`, '--headless'],
    ready: /(http:\/\/localhost:\d+)/,
  });
  return { ...program, url: url.replace('localhost', '127.0.0.1') };
};

const startPeers = async (upstream: string, folder: string): Promise<Peer[]> => [
  {
    name: 'thread-proxy',
    program: await startService(upstream, { dataDir: join(folder, 'data') }),
    json: 'json',
    stream: 'stream',
    lacks: 'has a durable log, order, memory, limits (off here)',
  },
  {
    name: 'bare handler',
    program: await startBaseline(upstream),
    json: 'read',
    stream: 'pipe',
    lacks: 'no log, limits, order; memory ends with the process',
  },
  {
    name: 'AI SDK handler',
    program: await startHandler('ai-sdk.ts', upstream, folder),
    json: 'json',
    stream: 'ui-stream',
    lacks: 'no limits, order, memory; log not synced',
  },
  {
    name: 'Portkey gateway',
    program: await startGateway(),
    json: 'gateway',
    stream: 'gateway-stream',
    headers: {
      Authorization: 'Bearer bench-key-that-nobody-else-has',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': upstream,
    },
    lacks: 'no log kept, limits, order, memory',
  },
  {
    name: 'older way',
    program: await startHandler('older-way.ts', upstream, folder),
    json: 'json',
    lacks: 'no streams, limits, order; log rewritten, not synced; memory ends with the process',
  },
];

interface Sample {
  readonly rate: number;
  readonly p50: number;
}

/** JSON answers and streams a second of 32 callers, each with one message at a time; interleaved, medians of rounds. */
export const peers: Bench = async ({ quick }) => {
  if (!PEERS_ARE_INSTALLED) {
    console.error('The peers are not installed: run `npm ci --prefix bench/peers` first.');
    process.exit(1);
  }
  const folder = temporaryFolder();
  const generator = startGenerator();
  const emulator = await startEmulator();
  const answer = await expectedAnswer();
  const all = await startPeers(emulator.url, folder);
  const bare = all.find(({ name }) => name === 'bare handler');
  const visitors = visitorsOf(quick ? VISITORS.quick : VISITORS.whole, 'peer');
  const forMs = quick ? 700 : 3_000;
  const samples = new Map<string, Sample[]>();
  const keyOf = (peer: Peer, kind: 'json' | 'stream'): string => `${kind} ${peer.name}`;

  try {
    for (const kind of ['json', 'stream'] as const) {
      const taking = all.filter((peer) => peer[kind] !== undefined);
      const measure = async ({ program, headers = {}, [kind]: form = 'json' }: Peer): Promise<Sample> => {
        const target = { url: program.url, form, answer, headers };
        const load = await generator.run({ how: 'closed', target, visitors, callers: CALLERS, forMs });
        return { rate: (load.answered * 1000) / load.ms, p50: percentile(load.totals, 0.5) };
      };
      for (const peer of taking) {
        const { program, headers = {}, [kind]: form = 'json' } = peer;
        const target = { url: program.url, form, answer, headers };
        await generator.run({ how: 'warm', target, visitors });
        await measure(peer);
      }
      for (let round = 0; round < (quick ? 3 : 5); round++) {
        // Each round begins with another, so that none always follows the same one.
        for (const peer of [
          ...taking.slice(round % taking.length),
          ...taking.slice(0, round % taking.length),
        ]) {
          const key = keyOf(peer, kind);
          samples.set(key, [...(samples.get(key) ?? []), await measure(peer)]);
        }
      }
    }
  } finally {
    await Promise.all([generator, emulator, ...all.map(({ program }) => program)].map((each) => each.stop()));
    removeFolder(folder);
  }

  const rowOf = (peer: Peer, kind: 'json' | 'stream'): Row => {
    const mine = samples.get(keyOf(peer, kind)) ?? [];
    const theirs = bare === undefined ? [] : (samples.get(keyOf(bare, kind)) ?? []);
    const what = `${kind === 'json' ? 'JSON answers' : 'streams'}, 32 callers: ${peer.name}`;
    if (mine.length === 0) return { what, measured: 'none', baseline: '', target: peer.lacks };
    const ratio = median(mine.map(({ rate }, round) => rate / (theirs[round]?.rate ?? Number.NaN)));
    return {
      what,
      measured: `${perSecond(median(mine.map(({ rate }) => rate)))}, p50 ${milliseconds(median(mine.map(({ p50 }) => p50)))}`,
      baseline: perSecond(median(theirs.map(({ rate }) => rate))),
      target: `${ratio.toFixed(2)}; ${peer.lacks}`,
    };
  };
  return (['json', 'stream'] as const).flatMap((kind) => all.map((peer) => rowOf(peer, kind)));
};
