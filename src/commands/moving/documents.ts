import { existsSync } from 'node:fs';
import path from 'node:path';
import { type CopiedIndex, copyIndex } from '../../documents/index/copy-index.ts';
import { openDocumentIndex } from '../../open-documents.ts';
import { warningsOnly } from '../command.ts';
import type { OpenDeps, StorePlace } from './ends.ts';

const INDEX_FILE = 'documents.db';

const openAt = (place: StorePlace, { schema, warn }: OpenDeps) =>
  openDocumentIndex({
    ...('url' in place ? { url: place.url, schema } : { dir: place.dir }),
    logger: warningsOnly(warn),
  });

/** Takes the documents along. @returns undefined where there are none. @throws Error where that fails. */
export const moveDocuments = async (
  from: StorePlace,
  to: StorePlace,
  deps: OpenDeps,
): Promise<CopiedIndex | undefined> => {
  if ('dir' in from && !existsSync(path.join(from.dir, INDEX_FILE))) return undefined;
  const source = await openAt(from, deps);
  try {
    if ((await source.sources()).length === 0) return undefined;
    const target = await openAt(to, deps);
    try {
      return await copyIndex(source, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
};
