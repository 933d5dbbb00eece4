import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { type Visitor, visitorKey } from '../../chat/model.ts';
import { FILE_MODE } from '../../log-file/durable-file.ts';
import { ownerOf } from '../../log-file/log-fields.ts';
import { inSeconds } from '../../log-file/log-times.ts';

/** What was erased: all of a visitor, or all that came before a time, in seconds since 1970. */
export type Gone = { readonly visitor: Visitor } | { readonly before: number };

const entry = z.looseObject({
  session: z.string().optional().catch(undefined),
  verified: z.boolean().optional().catch(undefined),
  timestamp: z.number().optional().catch(undefined),
});

const isGone = (gone: Gone, key: string, value: unknown): boolean => {
  const { session, verified, timestamp } = entry.safeParse(value).data ?? {};
  if ('before' in gone) return timestamp !== undefined && inSeconds(timestamp) < gone.before;
  const owner = ownerOf(key, { session, verified });
  return owner !== undefined && visitorKey(owner) === visitorKey(gone.visitor);
};

/** The log without what is gone; undefined where nothing of it was there. @throws Error where it is no log. */
const without = (text: string, gone: Gone): string | undefined => {
  const log: unknown = JSON.parse(text);
  if (!(log instanceof Object) || Array.isArray(log)) throw new Error('not a log');
  let isChanged = false;
  const left = Object.entries(log).flatMap(([key, list]: [string, unknown]) => {
    if (!Array.isArray(list)) throw new Error('not a log');
    const kept = list.filter((value: unknown) => !isGone(gone, key, value));
    isChanged ||= kept.length < list.length;
    return kept.length > 0 ? [[key, kept] as const] : [];
  });
  // Not assigned one by one: __proto__ is a visitor like any.
  return isChanged ? `${JSON.stringify(Object.fromEntries(left), null, 1)}\n` : undefined;
};

/**
 * Takes what was erased out of the copies that somebody had edited, and that were moved aside.
 * @param log The path of conversations.json.
 * @returns The files that are no logs, so that nobody can tell what is in them.
 */
export const eraseFromEdited = (log: string, gone: Gone): string[] => {
  const folder = dirname(log);
  const start = `${basename(log, '.json')}.edited-`;
  const unread: string[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(start)) continue;
    const file = join(folder, name);
    if (!name.endsWith('.json')) {
      // Half-written, by a process that was killed in the middle of this.
      rmSync(file, { force: true });
      continue;
    }
    try {
      const left = without(readFileSync(file, 'utf8'), gone);
      if (left === undefined) continue;
      writeFileSync(`${file}.tmp`, left, { mode: FILE_MODE, flush: true });
      renameSync(`${file}.tmp`, file);
    } catch (thrown) {
      // What the disk has against it is for whoever asked.
      if (thrown instanceof Error && 'code' in thrown) throw thrown;
      unread.push(file);
    }
  }
  return unread;
};
