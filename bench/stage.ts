/** What a bench over HTTP needs, started together and stopped together. */

import type { Target } from './call.ts';
import { type Program, removeFolder, temporaryFolder } from './children.ts';
import { type Generator, startGenerator } from './load.ts';
import { expectedAnswer, startBaseline, startEmulator, startLeast, startService } from './programs.ts';

export interface Stage {
  readonly service: Program;
  readonly generator: Generator;
  target(form: Target['form']): Target;
  /** Of what does the least; it is started by the first call. */
  least(): Promise<Target>;
}

/** Runs `scene` with the emulator, the service in front of it, the baseline in front of it, and the generator. */
export const onStage = async <T>(
  { pace = 0, tolerant = false }: { pace?: number; tolerant?: boolean },
  scene: (stage: Stage) => Promise<T>,
): Promise<T> => {
  const dataDir = temporaryFolder();
  const generator = startGenerator({ tolerant });
  const emulator = await startEmulator(pace);
  const answer = await expectedAnswer();
  const service = await startService(emulator.url, { dataDir });
  const baseline = await startBaseline(emulator.url);
  const leastDir = temporaryFolder();
  let startedLeast: Promise<Program> | undefined;
  const least = async (): Promise<Target> => {
    startedLeast ??= startLeast(emulator.url, leastDir);
    return { url: (await startedLeast).url, form: 'json', answer };
  };
  try {
    const target = (form: Target['form']): Target => {
      const elsewhere: Partial<Record<Target['form'], string>> = {
        upstream: emulator.url,
        read: baseline.url,
        pipe: baseline.url,
      };
      return { url: elsewhere[form] ?? service.url, form, answer };
    };
    return await scene({ service, generator, target, least });
  } finally {
    const programs = [generator, baseline, service, emulator, await startedLeast];
    await Promise.all(programs.map((each) => each?.stop()));
    removeFolder(dataDir);
    removeFolder(leastDir);
  }
};
