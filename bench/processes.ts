import type { Program } from './children.ts';
import { newDatabase, startDatabase } from './database.ts';
import { median, perSecond } from './figures.ts';
import { startGenerator, visitorsOf } from './load.ts';
import { expectedAnswer, startEmulator, startService } from './programs.ts';
import type { Bench, Row } from './report.ts';

const COUNTS = [1, 2, 4];
/** Callers at a time, of all processes together. */
const CALLERS = 32;

/** Messages a second with one, two and four processes on one database. */
export const processes: Bench = async ({ quick }) => {
  const server = await startDatabase();
  const emulator = await startEmulator();
  const answer = await expectedAnswer();
  const rows: Row[] = [];
  let one = Number.NaN;
  try {
    for (const count of COUNTS) {
      const url = await newDatabase(server, 0);
      const services: Program[] = [];
      for (let i = 0; i < count; i++) services.push(await startService(emulator.url, { databaseUrl: url }));
      const generators = services.map(() => startGenerator());
      const run = async (how: 'warm' | 'closed', forMs: number): Promise<number> => {
        const began = performance.now();
        const loads = await Promise.all(
          generators.map((generator, i) =>
            generator.run({
              how,
              target: { url: services[i]?.url ?? '', form: 'json', answer },
              visitors: visitorsOf((CALLERS * 10) / count, `busy-${i}`),
              callers: CALLERS / count,
              forMs,
            }),
          ),
        );
        const answered = loads.reduce((sum, load) => sum + load.answered, 0);
        return (answered * 1000) / (performance.now() - began);
      };
      await run('warm', 0);
      await run('closed', quick ? 700 : 3_000);
      const rates: number[] = [];
      for (let round = 0; round < (quick ? 2 : 4); round++)
        rates.push(await run('closed', quick ? 700 : 3_000));
      const rate = median(rates);
      if (count === 1) one = rate;
      rows.push({
        what: `Postgres: answers, ${count} ${count === 1 ? 'process' : 'processes'}`,
        measured: perSecond(rate),
        baseline: count === 1 ? '—' : `${perSecond(one)} (one)`,
        target: count === 1 ? '' : (rate / one).toFixed(2),
      });
      await Promise.all([...generators, ...services].map((each) => each.stop()));
    }
    return rows;
  } finally {
    await emulator.stop();
    await server.dispose();
  }
};
