import type { z } from 'zod';

/** What a check of the file finds: faults stop the start, notes are logged once. */
export interface Report {
  readonly faults: string[];
  readonly notes: string[];
}

type Path = readonly PropertyKey[];

/** `['tools', 1, 'function']` → `tools[1].function`. */
export const pathText = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    // A key is the file's text: it is shown, but never at length.
    const key = String(part).slice(0, 64);
    return text === '' ? key : `${text}.${key}`;
  }, '');

export const addFault = (report: Report, path: Path, what: string): void => {
  report.faults.push(path.length === 0 ? what : `${pathText(path)}: ${what}`);
};

/**
 * Reads a value with a schema. Every fault goes into the report under its JSON path, and so does, as a note,
 * every field that the schema does not know.
 * @param at The path of the value in the file.
 */
export const check = <T>(schema: z.ZodType<T>, value: unknown, at: Path, report: Report): T | undefined => {
  const read = schema.safeParse(value);
  if (!read.success) {
    for (const issue of read.error.issues) addFault(report, [...at, ...issue.path], wordsOf(issue));
    return undefined;
  }
  for (const path of ignored(value, read.data)) {
    report.notes.push(`${pathText([...at, ...path])} is not a field that is known here, and is ignored.`);
  }
  return read.data;
};

/** zod's words for an issue name kinds and bounds, never the value itself. */
const wordsOf = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_key') return `bad key: ${issue.issues[0]?.message ?? issue.message}`;
  return issue.message
    .replace(/^Invalid input: expected (.+), received undefined$/, 'is absent, expected $1')
    .replace(/^Invalid input: /, '')
    .replace('expected record', 'expected object');
};

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths of what the given value has and the value read from it has not. Null means absent. */
const ignored = (given: unknown, read: unknown): Path[] => {
  if (given === read || !isFields(given) || !isFields(read)) return [];
  return Object.entries(given).flatMap(([key, value]): Path[] => {
    if (value === null) return [];
    if (!Object.hasOwn(read, key)) return [[key]];
    return ignored(value, read[key]).map((path) => [key, ...path]);
  });
};
