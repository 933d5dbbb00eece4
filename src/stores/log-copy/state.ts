import { z } from 'zod';

/** What the database remembers of conversations.json. */
const stateSchema = z.object({
  /** Hashes of what we wrote there: the last one, and the one before, which may be there still after a crash. */
  hashes: z.array(z.string()),
  /** It held everything when the store was closed. */
  complete: z.boolean(),
});
export type CopyState = z.infer<typeof stateSchema>;

/** The name under which the database keeps a {@link CopyState}. */
export const COPY_STATE = 'copy';

export const readCopyState = (json: string | undefined): CopyState =>
  json === undefined ? { hashes: [], complete: false } : stateSchema.parse(JSON.parse(json));
