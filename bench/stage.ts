/** What a bench over HTTP needs, started together and stopped together. */

import type { Target } from './call.ts';
import { type Program, removeFolder, temporaryFolder } from './children.ts';
import { type Generator, startGenerator } from './load.ts';
import { expectedAnswer, startBaseline, startEmulator, startService } from './programs.ts';

export interface Stage {
  readonly service: Program;
  readonly generator: Generator;
  target(form: Target['form']): Target;
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
  try {
    const target = (form: Target['form']): Target => {
      const elsewhere: Partial<Record<Target['form'], string>> = {
        upstream: emulator.url,
        read: baseline.url,
        pipe: baseline.url,
      };
      return { url: elsewhere[form] ?? service.url, form, answer };
    };
    return await scene({ service, generator, target });
  } finally {
    await Promise.all([generator, baseline, service, emulator].map((each) => each.stop()));
    removeFolder(dataDir);
  }
};
