import { expect, test } from 'vitest';
import { type ChildService, startChildService } from '../helpers/child-service.ts';
import { fuzz } from '../helpers/raw-http.ts';
import { startEmulator, upstreamEnv } from '../helpers/service.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const REQUESTS = Number(process.env.REQUESTS ?? 10_000);
/** Good messages by which a latency is measured. */
const SAMPLES = 1_000;

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** How long one good message takes, in milliseconds. */
const timed = async ({ post }: ChildService, message: string): Promise<number> => {
  const began = performance.now();
  // Each in a thread of its own: a thread that grows would be what is measured.
  const { status } = await post({ user_id: message, message });
  expect(status).toBe(200);
  return performance.now() - began;
};

/** Median latencies of two services, asked in turn, so that what else the machine does strikes both. */
const latencies = async (one: ChildService, other: ChildService, name: string) => {
  const times: [number[], number[]] = [[], []];
  for (let n = 0; n < SAMPLES; n++) {
    times[0].push(await timed(one, `${name} ${n}`));
    times[1].push(await timed(other, `${name} ${n}`));
  }
  return [median(times[0]), median(times[1])] as const;
};

test(`${REQUESTS} malformed requests cause no 5xx, no crash and no slowness (seed ${SEED})`, async () => {
  const emulator = await startEmulator({ record: 0 });
  const env = { ...upstreamEnv(emulator), RATE_LIMIT: '100000000/1h', TRUST_PROXY: '2' };
  const service = await startChildService(env);
  const control = await startChildService(env);
  // Both are warm before anything is measured.
  await latencies(service, control, 'warm');
  const [before, controlBefore] = await latencies(service, control, 'before');

  const statuses = await fuzz(service.url, REQUESTS, SEED);
  const [after, controlAfter] = await latencies(service, control, 'after');
  const drift = controlAfter / controlBefore;
  const report = { before, after, controlBefore, controlAfter, ratio: after / before / drift };
  process.stdout.write(`${JSON.stringify({ ...report, statuses })}\n`);
  const faults = service.lines().filter(({ level, status }) => level === 'error' || Number(status) >= 500);
  expect(faults).toEqual([]);
  expect(service.stderr()).toBe('');
  // Against the machine's own drift, as the service that had only good messages shows it.
  expect(report.ratio).toBeLessThan(1.2);
  service.kill('SIGTERM');
  expect(await service.ended).toEqual([0, null]);
});
