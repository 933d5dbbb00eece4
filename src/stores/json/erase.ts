import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { visitorKey } from '../../chat/model.ts';
import { errnoOf, replaceFile } from '../../log-file/durable-file.ts';
import type { Found } from '../../log-file/find-conversations.ts';
import { LOG_MODE, ownerOf } from '../../log-file/log-fields.ts';
import { type LogReader, openLogReader } from '../../log-file/log-reader.ts';
import { checked } from './log-file.ts';
import type { Erasure } from './records.ts';

/** Exchanges looked at, or written, before the event loop has a turn. */
const LOOKED_AT_ONCE = 1000;
const WRITTEN_AT_ONCE = 200;

type IsErased = (found: Extract<Found, { json: string }>) => boolean;

const erasedBy =
  (erasures: readonly Erasure[]): IsErased =>
  ({ key, json, at }) => {
    const { session, verified, cleared, timestamp } = checked(json, at, 'an archived exchange').exchange;
    const owner = ownerOf(key, { session, verified, cleared });
    if (!owner) return false;
    return erasures.some(({ visitor, until }) => visitor === visitorKey(owner) && timestamp <= until);
  };

const concerns = async (reader: LogReader, isErased: IsErased): Promise<boolean> => {
  let looked = 0;
  for (const found of reader.pass()) {
    if (found.kind === 'element' && isErased(found)) return true;
    if (++looked % LOOKED_AT_ONCE === 0) await setImmediate();
  }
  return false;
};

function* textWithout(reader: LogReader, isErased: IsErased): Generator<string> {
  let text = '{';
  let open: string | undefined;
  let lines = 0;
  for (const found of reader.pass()) {
    if (found.kind !== 'element' || isErased(found)) continue;
    if (open === found.key) text += ',\n';
    else text += `${open === undefined ? '' : '\n],'}\n${JSON.stringify(found.key)}: [\n`;
    open = found.key;
    text += found.json;
    if (++lines % WRITTEN_AT_ONCE === 0) {
      yield text;
      text = '';
    }
  }
  yield `${text}${open === undefined ? '' : '\n]'}\n}\n`;
}

/**
 * Takes visitors' exchanges out of the archive. Doing it twice does no harm.
 * @throws Error where a file cannot be read or written; then some files may still hold them.
 */
export const eraseArchived = async (folder: string, erasures: readonly Erasure[]): Promise<void> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const isErased = erasedBy(erasures);
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const path = join(folder, name);
    const reader = openLogReader(path);
    try {
      if (await concerns(reader, isErased)) await replaceFile(path, LOG_MODE, textWithout(reader, isErased));
    } finally {
      reader.close();
    }
  }
};
