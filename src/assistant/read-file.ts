import { readFile, stat } from 'node:fs/promises';
import { brokenAt } from './json-place.ts';
import { AssistantFileError, type LoadedAssistant, parseAssistant } from './parse.ts';
import type { Env } from './tools.ts';

/** Instructions may have 256,000 characters; what is larger than this by far is some other file. */
const MAX_BYTES = 4 * 1024 * 1024;

const PLAIN: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read',
};

/**
 * Reads and checks the assistant's file.
 * @param env Where the webhooks' secrets are.
 * @throws AssistantFileError with every fault.
 */
export const readAssistantFile = async (path: string, env: Env): Promise<LoadedAssistant> => {
  const source = `The assistant file ${path}`;
  const text = await textOf(path, source);
  return parseAssistant(jsonOf(text, source), { env, source });
};

const textOf = async (path: string, source: string): Promise<string> => {
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) {
      throw new AssistantFileError(source, [`it is larger than ${MAX_BYTES / 1024 / 1024} MiB`]);
    }
    bytes = await readFile(path);
  } catch (thrown) {
    if (thrown instanceof AssistantFileError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
    throw new AssistantFileError(source, [PLAIN[code] ?? `it cannot be read (${code})`]);
  }
  try {
    // Also drops the byte order mark that some editors write.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new AssistantFileError(source, ['it is not text in UTF-8']);
  }
};

const jsonOf = (text: string, source: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // Not the engine's own message: it repeats what the file says, and often names no place.
    const { line, column } = brokenAt(text);
    const rest = text.split('\n')[line - 1]?.slice(column - 1) ?? '';
    const why = /^(\/\/|\/\*|#)/.test(rest) ? ' (JSON takes no comments: remove them)' : '';
    throw new AssistantFileError(source, [`it is not valid JSON: line ${line}, column ${column}${why}`]);
  }
};
