import type { RunRequest } from '../chat/backend-port.ts';

/** Instructions, and the context of this run alone. */
export const withContext = (
  instructions: string | null | undefined,
  { context }: Pick<RunRequest, 'context'>,
): string => [instructions, context].filter((text) => text).join('\n\n');
