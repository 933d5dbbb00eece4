import type { RunRequest } from '../chat/backend-port.ts';

/** Instructions with what this run alone is told beside them. */
export const withContext = (
  instructions: string | null | undefined,
  { context }: Pick<RunRequest, 'context'>,
): string => [instructions, context].filter((text) => text).join('\n\n');
