import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Ask } from './transfer-in.ts';

const LOOK_MS = 200;

const beatsRow = z.object({ beats: z.string().nullable() });

/** Whether a server gives signs of life within `ms` milliseconds; at once where none has entered itself. */
export const isInUse = async (ask: Ask, ms: number): Promise<boolean> => {
  const beats = async (): Promise<string | null> => {
    const rows = await ask((sql) => sql`select sum(beat)::text as beats from tp_processes`);
    return beatsRow.parse(rows[0]).beats;
  };
  const before = await beats();
  if (before === null) return false;
  const until = performance.now() + ms;
  while (performance.now() < until) {
    await sleep(Math.min(LOOK_MS, ms));
    if ((await beats()) !== before) return true;
  }
  return false;
};
