import { globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startChild } from './child.ts';
import { eventually, idsOnDisk, openStore, readLog, tempFolder } from './helper.ts';

const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 8);
const SEED = Number(process.env.SEED ?? Date.now() % 1e9);

/** Mulberry32: a small generator, so that a failing run can be had again. */
const random = (seed: number) => {
  let state = seed;
  return () => {
    state += 0x6d2b79f5;
    let a = state;
    a = Math.imul(a ^ (a >>> 15), a | 1);
    a ^= a + Math.imul(a ^ (a >>> 7), a | 61);
    return ((a ^ (a >>> 14)) >>> 0) / 2 ** 32;
  };
};

const acknowledged = (lines: readonly string[], mark: string): string[] =>
  lines.filter((line) => line.startsWith(`${mark} `) && line.endsWith('.')).map((line) => line.slice(2, -1));

test(`whatever moment the process is killed at, each acknowledged exchange is kept exactly once (seed ${SEED})`, {
  timeout: 20_000 + ROUNDS * 3000,
}, async () => {
  const next = random(SEED);
  let dir = await tempFolder();
  const finished = new Set<string>();
  const begun = new Set<string>();
  let archives = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    // A folder that has grown long makes the checks slow, not better.
    if (round % 10 === 0) {
      dir = await tempFolder();
      finished.clear();
      begun.clear();
    }
    const path = join(dir, 'conversations.json');
    const child = startChild('crash-child.ts', [dir]);
    await eventually(() => child.lines.length > 0);
    const end = performance.now() + 30 + next() * 300;
    // However slow the machine is, one kill at least is to come after exchanges were moved into the archive.
    const isWaiting = (): boolean =>
      round === ROUNDS && archives === 0 && globSync('archive/*.json', { cwd: dir }).length === 0;
    while (performance.now() < end || isWaiting()) {
      // Complete and valid at every moment; before the first snapshot it may not be there.
      await readLog(path).catch((error: unknown) => expect(error).toMatchObject({ code: 'ENOENT' }));
      await sleep(1);
    }
    await child.kill();
    expect(child.errors()).toBe('');
    for (const id of acknowledged(child.lines, 'f')) finished.add(id);
    for (const id of acknowledged(child.lines, 'b')) begun.add(id);

    const store = await openStore(dir);
    const interrupted = new Set((await store.interrupted()).map(({ id }) => id));
    await store.close();
    const { live, archived } = await idsOnDisk(dir);
    archives += archived.length;
    const kept = new Set([...live, ...archived]);
    const where = `round ${round}, seed ${SEED}`;
    expect(kept.size, `twice on disk: ${where}`).toBe(live.length + archived.length);
    expect(
      [...finished].filter((id) => !kept.has(id)),
      `lost: ${where}`,
    ).toEqual([]);
    expect(
      [...begun].filter((id) => !kept.has(id) && !interrupted.has(id)),
      `started and forgotten: ${where}`,
    ).toEqual([]);
    expect(
      [...interrupted].filter((id) => kept.has(id)),
      `finished and interrupted: ${where}`,
    ).toEqual([]);
  }
  expect(finished.size).toBeGreaterThan(0);
  expect(archives).toBeGreaterThan(0);
});
