import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Library, TakeOptions, TakeResult } from './library.ts';
import { PARSE_LIMITS } from './parsers/limits.ts';
import { isReadable } from './parsers/parse.ts';

/** Files of a folder that are read. */
const MAX_FILES = 10_000;
const MAX_DEPTH = 20;

/** Files below a folder that may be documents, by path; hidden ones and links are left out. */
async function* filesIn(folder: string, depth = 0): AsyncGenerator<string> {
  if (depth > MAX_DEPTH) return;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(full, depth + 1);
    else if (entry.isFile() && isReadable(entry.name)) yield full;
  }
}

const reasonOf = (thrown: unknown): string => {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (code === 'EACCES') return 'may not be read';
  if (code === 'ENOENT') return 'is not there';
  return 'cannot be read';
};

/** Takes a file in. @param more What else is known of it. */
export const takeFile = async (
  file: string,
  library: Library,
  more: { title?: string | undefined; foundBy?: string } & TakeOptions = {},
): Promise<TakeResult> => {
  const location = path.resolve(file);
  try {
    const { size } = await lstat(location);
    if (size > PARSE_LIMITS.maxBytes) return { type: 'unreadable', location, reason: 'too large' };
    const bytes = await readFile(location);
    const { title, foundBy, dryRun } = more;
    return await library.take(
      { kind: 'file', location, raw: { name: path.basename(location), bytes }, title, foundBy },
      { dryRun },
    );
  } catch (thrown) {
    if (thrown instanceof Error && 'syscall' in thrown)
      return { type: 'unreadable', location, reason: reasonOf(thrown) };
    throw thrown;
  }
};

/**
 * Takes in what is in a folder, and out what is not in it any more.
 * @throws Error where there is no such folder.
 */
export async function* takeFolder(
  folder: string,
  library: Library,
  { dryRun }: TakeOptions = {},
): AsyncGenerator<TakeResult> {
  const root = await realpath(path.resolve(folder));
  const seen = new Set<string>();
  for await (const file of filesIn(root)) {
    if (seen.size >= MAX_FILES) {
      yield { type: 'unreadable', location: root, reason: `only the first ${MAX_FILES} files were read` };
      break;
    }
    seen.add(file);
    yield await takeFile(file, library, { foundBy: root, dryRun });
  }
  if (dryRun) return;
  for (const source of await library.sources()) {
    if (source.foundBy !== root || seen.has(source.location)) continue;
    await library.remove(source.id);
    yield { type: 'removed', location: source.location };
  }
}
