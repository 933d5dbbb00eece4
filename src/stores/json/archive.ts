import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errnoOf, makeFolder, replaceFile } from '../../log-file/durable-file.ts';
import { LOG_MODE, monthOf } from '../../log-file/log-fields.ts';
import { conversationsText } from './conversations-text.ts';
import type { Entry, Lane } from './lanes.ts';
import type { LiveLog } from './live-log.ts';
import type { ArchiveIntent } from './records.ts';

/** Exchanges in one intent: it is one line of the journal, serialised in one go. */
const MAX_EXCHANGES = 20_000;

/** Exchanges looked at before the event loop has a turn. */
const YIELD_EVERY = 1000;

const ifThere = <T>(found: Promise<T>): Promise<T | undefined> =>
  found.catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });

/**
 * Chooses the exchanges to archive, oldest first until `bytes` of the log are free, and a new file for each
 * month of them.
 */
export const planArchive = async (log: LiveLog, folder: string, bytes: number): Promise<ArchiveIntent> => {
  const existing = new Set(await ifThere(readdir(folder)));
  const idsByMonth = new Map<string, string[]>();
  let freed = 0;
  let count = 0;
  for (const entry of log.oldestFirst()) {
    if (freed >= bytes || count >= MAX_EXCHANGES) break;
    freed += entry.bytes;
    if (++count % YIELD_EVERY === 0) await setImmediate();
    const month = monthOf(entry.timestamp);
    const ids = idsByMonth.get(month);
    if (ids) ids.push(entry.id);
    else idsByMonth.set(month, [entry.id]);
  }
  const files = Array.from(idsByMonth, ([month, ids]) => {
    let name = `${month}.json`;
    for (let part = 2; existing.has(name); part++) name = `${month}-${part}.json`;
    return { name, ids };
  });
  return { files };
};

/**
 * Writes the files of an intent that are not there yet. A file appears only when it is complete, so one that
 * is there was written before a crash; an exchange that is no longer in the log is in such a one.
 */
export const writeArchive = async (log: LiveLog, folder: string, intent: ArchiveIntent): Promise<void> => {
  await makeFolder(folder);
  for (const { name, ids } of intent.files) {
    const path = join(folder, name);
    if (await ifThere(stat(path))) continue;
    const lanes = new Map<string, Lane>();
    const entries = ids.map((id) => log.get(id)).filter((entry): entry is Entry => entry !== undefined);
    for (const entry of entries) {
      const { key } = entry.lane;
      const lane = lanes.get(key);
      if (lane) lane.entries.push(entry);
      else lanes.set(key, { key, entries: [entry] });
    }
    if (entries.length > 0) await replaceFile(path, LOG_MODE, conversationsText(lanes.values()));
  }
};
