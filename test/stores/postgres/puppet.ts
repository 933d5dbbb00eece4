import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { AcceptedMessage, Exchange, UpstreamThread, Visitor } from '../../../src/chat/model.ts';
import type { Tuning } from '../../../src/stores/postgres/tuning.ts';

const said = z.object({
  ready: z.boolean().optional(),
  stop: z.string().optional(),
  number: z.number().optional(),
  code: z.string().optional(),
  result: z.object({ type: z.string() }).nullish(),
});

/** A process with a store of its own, which the test can kill and freeze. */
export interface Puppet {
  /** @returns `accepted` or `known`, or the code of the failure. */
  accept(message: AcceptedMessage): Promise<string>;
  /** @returns `done`, or the code of the failure. */
  finish(exchange: Exchange): Promise<string>;
  setThread(visitor: Visitor, thread: UpstreamThread): Promise<string>;
  /** Messages that it was asked to stop. */
  readonly stops: readonly string[];
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<void>;
}

export const startPuppet = async (url: string, tuning: Partial<Tuning>): Promise<Puppet> => {
  const script = path.join(import.meta.dirname, 'puppet-child.ts');
  const child = spawn(process.execPath, [script, url, JSON.stringify(tuning)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  const ready = Promise.withResolvers<void>();
  exited.then(() => ready.reject(new Error('the puppet has ended')));
  const asked = new Map<number, (answer: string) => void>();
  const stops: string[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const { ready: isReady, stop, number, code, result } = said.parse(JSON.parse(line));
    if (isReady) ready.resolve();
    if (stop !== undefined) stops.push(stop);
    if (number !== undefined) asked.get(number)?.(code ?? result?.type ?? 'done');
  });
  let last = 0;
  const tell = (what: string, value: object): Promise<string> => {
    last += 1;
    child.stdin.write(`${JSON.stringify({ number: last, what, value })}\n`);
    return new Promise((resolve) => asked.set(last, resolve));
  };
  await ready.promise;
  return {
    accept: (message) => tell('accept', message),
    finish: (exchange) => tell('finish', exchange),
    setThread: (visitor, thread) => tell('setThread', { visitor, thread }),
    stops,
    signal: (signal) => child.kill(signal),
    kill,
  };
};
