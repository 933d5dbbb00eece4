import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Clock, Logger } from '../chat/ports.ts';
import { type CrawlOptions, crawl } from './crawl/crawl.ts';
import type { Meaning } from './embeddings/meaning.ts';
import { takeFile, takeFolder } from './folder.ts';
import type { DocumentIndex } from './index/index-port.ts';
import { createLibrary, type Library, type TakeOptions, type TakeResult } from './library.ts';
import type { FoundPassage, IndexedSource } from './model.ts';
import { createParser } from './parsers/parser.ts';
import type { Rewrite } from './rewrite.ts';
import { createSearch, type Found, type SearchOptions } from './search/search.ts';
import { tellPassages } from './told-passages.ts';
import type { Work } from './work.ts';

export interface DocumentsDeps {
  readonly index: DocumentIndex;
  readonly meaning?: Meaning | undefined;
  readonly rewrite?: Rewrite | undefined;
  /** UTF-16 units of what a run is told. */
  readonly maxChars: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A message for which documents are looked up. */
export interface Asked {
  readonly message: string;
  /** What was said just before, if anything. */
  readonly previous: () => Promise<{ readonly user: string; readonly bot: string | null } | undefined>;
}

/** What the assistant may quote. */
export interface Documents {
  /** Takes in a file, a folder, or a site, whichever it is. @throws UnreadableDocument, Error */
  add(what: string, options?: AddOptions): AsyncGenerator<TakeResult>;
  /** Takes in a file that was sent. */
  upload(file: {
    name: string;
    bytes: Uint8Array;
    title?: string | undefined;
    contentType?: string;
  }): Promise<TakeResult>;
  /** Reads all files, folders and sites again; only what has changed is taken in. */
  refresh(options?: CrawlOptions): AsyncGenerator<TakeResult>;
  /** Removes a source by its id or location, or all that a folder or site brought. @returns How many. */
  remove(what: string): Promise<number>;
  sources(): Promise<IndexedSource[]>;
  /** What would be found, also below the floor. */
  ask(question: string, options?: SearchOptions): Promise<Found[]>;
  /** What a run is told; undefined where nothing fits. Never rejects but with the signal's reason. */
  quote(asked: Asked, signal: AbortSignal): Promise<{ context: string; citable: Citable[] } | undefined>;
  /** Removes a source by its id. @returns Whether it was there. */
  removeById(id: string): Promise<boolean>;
  /** Embeds what has no vector yet, and waits for it. */
  embed(): Promise<void>;
  close(): Promise<void>;
}

/** Documents with what reads them in the background. */
export interface ServedDocuments extends Documents {
  /** Starts to read a site. @returns Whether there was room for one more. */
  addInBackground(address: string, options?: { maxPages?: number | undefined }): boolean;
  /** Starts to read all folders, files and sites again. @returns As above. */
  refreshInBackground(): boolean;
  /** What is being read in the background, and was last; newest first. */
  work(): readonly Work[];
  /** Reads the folder of documents, if there is one, and logs what became of it. Never rejects. */
  readFolder(): Promise<void>;
}

export interface AddOptions extends TakeOptions, Pick<CrawlOptions, 'maxPages' | 'delayMs' | 'signal'> {
  /** For a file: its title, where its own is not to be used. */
  readonly title?: string | undefined;
}

interface Citable {
  readonly title: string;
  readonly url?: string;
  readonly place?: string;
}

export const isWebAddress = (text: string): boolean => /^https?:\/\//i.test(text);

const toCitable = ({ source, url, place }: FoundPassage): Citable => {
  const address = url ?? source.url;
  return {
    title: source.title,
    ...(address === undefined ? {} : { url: address }),
    ...(place === undefined ? {} : { place }),
  };
};

const took = (result: TakeResult): boolean => result.type === 'added' || result.type === 'changed';

export const createDocuments = ({
  index,
  meaning,
  rewrite,
  maxChars,
  clock,
  logger,
}: DocumentsDeps): Documents => {
  const parser = createParser();
  const library: Library = createLibrary({ index, parser, clock });
  const search = createSearch({ index, meaning });

  const changed = (isNew: boolean): void => {
    search.refresh();
    if (isNew) meaning?.catchUp();
  };

  /** Passes results on, and has new passages embedded in the background. */
  async function* watched(results: AsyncIterable<TakeResult>): AsyncGenerator<TakeResult> {
    let isNew = false;
    for await (const result of results) {
      isNew ||= took(result);
      yield result;
    }
    changed(isNew);
  }

  async function* refreshAll(options: CrawlOptions): AsyncGenerator<TakeResult> {
    const sources = await library.sources();
    const roots = new Set(sources.map(({ foundBy }) => foundBy).filter((root) => root !== undefined));
    for (const root of roots) {
      try {
        if (isWebAddress(root)) yield* crawl(root, library, options);
        else if (existsSync(root)) yield* takeFolder(root, library, options);
        else yield* removeAll(sources.filter(({ foundBy }) => foundBy === root));
      } catch (thrown) {
        yield {
          type: 'unreadable',
          location: root,
          reason: thrown instanceof Error ? thrown.message : String(thrown),
        };
      }
    }
    for (const { kind, foundBy, location, id, title } of sources) {
      if (kind !== 'file' || foundBy !== undefined) continue;
      if (existsSync(location)) yield await takeFile(location, library, { title });
      else {
        await library.remove(id);
        yield { type: 'removed', location };
      }
    }
  }

  async function* removeAll(sources: readonly IndexedSource[]): AsyncGenerator<TakeResult> {
    for (const { id, location } of sources) {
      await library.remove(id);
      yield { type: 'removed', location };
    }
  }

  async function* one(result: Promise<TakeResult>): AsyncGenerator<TakeResult> {
    yield await result;
  }

  return {
    add: async function* (what, { title, maxPages, delayMs, signal, dryRun } = {}) {
      if (isWebAddress(what)) yield* watched(crawl(what, library, { maxPages, delayMs, signal, dryRun }));
      else {
        const { stat } = await import('node:fs/promises');
        const isFolder = (await stat(what).catch(() => undefined))?.isDirectory() === true;
        yield* watched(
          isFolder ? takeFolder(what, library, { dryRun }) : one(takeFile(what, library, { title, dryRun })),
        );
      }
    },
    upload: async ({ name, bytes, title, contentType }) => {
      const base = path.basename(name.replaceAll('\\', '/')).slice(0, 200) || 'upload';
      const raw = { name: base, bytes, ...(contentType === undefined ? {} : { contentType }) };
      const result = await library.take({ kind: 'upload', location: base, raw, title });
      changed(took(result));
      return result;
    },
    refresh: (options = {}) => watched(refreshAll(options)),
    remove: async (what) => {
      const full = isWebAddress(what) ? what : await realpath(what).catch(() => path.resolve(what));
      const sources = await library.sources();
      const chosen = sources.filter(
        ({ id, location, foundBy }) =>
          [what, full].includes(location) || id === what || foundBy === full || foundBy === what,
      );
      for (const { id } of chosen) await library.remove(id);
      changed(false);
      return chosen.length;
    },
    removeById: async (id) => {
      const removed = await library.remove(id);
      changed(false);
      return removed;
    },
    sources: () => library.sources(),
    ask: (question, options) => search.search(question, options),
    quote: async ({ message, previous }, signal) => {
      try {
        const before = rewrite && (await previous());
        const rewritten = before && (await rewrite?.(message, before, signal));
        const found = await search.search(
          rewritten ?? message,
          rewritten === undefined ? { previous: async () => (await previous())?.user } : {},
        );
        const told = tellPassages(
          found.filter(({ isRelevant }) => isRelevant).map(({ passage }) => passage),
          maxChars,
        );
        return told && { context: told.context, citable: told.passages.map(toCitable) };
      } catch (thrown) {
        signal.throwIfAborted();
        logger.warn(
          { reason: String(thrown) },
          'documents could not be searched: the assistant answers without them',
        );
        return undefined;
      }
    },
    embed: async () => meaning?.whenDone(),
    close: async () => {
      parser.close();
      await meaning?.close();
      await index.close();
    },
  };
};
