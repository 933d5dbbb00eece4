/** `npm run emulator`: the emulator alone. */

import process from 'node:process';
import { z } from 'zod';
import { answerOfWords } from './answer.ts';
import { createEmulator } from './server.ts';

const Environment = z.object({
  EMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(8089),
  /** Milliseconds between two words. */
  EMULATOR_PACE: z.coerce.number().min(0).default(30),
  /** A fixed length for all answers, for benches. */
  EMULATOR_WORDS: z.coerce.number().int().min(1).optional(),
});

const settings = Environment.safeParse(process.env);
if (settings.success) {
  const { EMULATOR_PORT: port, EMULATOR_PACE: pace, EMULATOR_WORDS: words } = settings.data;
  const answer = words === undefined ? {} : { answer: answerOfWords(words) };
  // Nobody reads what it would record.
  const emulator = await createEmulator({ port, pace, record: 0, ...answer });
  process.stdout.write(`emulator listening on ${emulator.url}\n`);

  const stop = () => {
    emulator.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} else {
  process.stderr.write(`${z.prettifyError(settings.error)}\n`);
  process.exitCode = 1;
}
