import { existsSync } from 'node:fs';
import path from 'node:path';
import type { LoadedAssistant } from './parse.ts';
import { readAssistantFile } from './read-file.ts';
import type { Env } from './tools.ts';

const DEFAULT_FILE = './assistant.json';

/** An assistant file that was found and read. */
export interface FoundAssistant {
  readonly path: string;
  readonly loaded: LoadedAssistant;
}

/**
 * Reads the assistant file that `ASSISTANT_FILE` names, or `./assistant.json` if that is there.
 * @throws AssistantFileError with every fault.
 */
export const findAssistantFile = async (env: Env): Promise<FoundAssistant | undefined> => {
  const named = env.ASSISTANT_FILE || (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
  if (named === undefined) return undefined;
  const file = path.resolve(named);
  return { path: file, loaded: await readAssistantFile(file, env) };
};
