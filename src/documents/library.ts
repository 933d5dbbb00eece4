import { createHash } from 'node:crypto';
import type { Clock } from '../chat/ports.ts';
import type { DocumentIndex } from './index/index-port.ts';
import { type IndexedSource, type PageFacts, type SourceKind, UnreadableDocument } from './model.ts';
import type { RawDocument } from './parsers/parse.ts';
import type { Parser } from './parsers/parser.ts';

/** What became of a document that was to be taken in. */
export type TakeResult = {
  readonly location: string;
  readonly note?: string;
  /** What the page says to crawlers, where it is one that was read. */
  readonly page?: PageFacts;
} & (
  | { readonly type: 'added' | 'changed'; readonly passages: number; readonly kept: number }
  | { readonly type: 'unchanged'; readonly passages: number }
  | { readonly type: 'removed' }
  /** It was not accepted. */
  | { readonly type: 'skipped' }
  | { readonly type: 'unreadable'; readonly reason: string }
);

/** A document with where it comes from. */
export interface Incoming {
  readonly kind: SourceKind;
  /** The file's path, the upload's name, or the page's address. */
  readonly location: string;
  readonly raw: RawDocument;
  readonly title?: string | undefined;
  readonly etag?: string | undefined;
  /** The folder, or the crawl's start address. */
  readonly foundBy?: string | undefined;
}

export interface TakeOptions {
  /** Reads it and says what would be taken in, but keeps nothing. */
  readonly dryRun?: boolean | undefined;
  /** Whether a page is taken in, by what it says to crawlers. */
  readonly accepts?: (page: PageFacts) => boolean;
}

/** Takes documents into the index, and out of it. */
export interface Library {
  /** Never rejects for what is in the document; rejects where the index cannot be written. */
  take(incoming: Incoming, options?: TakeOptions): Promise<TakeResult>;
  /** Removes a source. @returns Whether it was there. */
  remove(sourceId: string): Promise<boolean>;
  sources(): Promise<IndexedSource[]>;
}

const ID_CHARS = 16;

/** Names a source by its kind and location. */
export const sourceIdOf = (kind: SourceKind, location: string): string =>
  createHash('sha256')
    .update(JSON.stringify([kind, location]))
    .digest('base64url')
    .slice(0, ID_CHARS);

export const createLibrary = (deps: { index: DocumentIndex; parser: Parser; clock: Clock }): Library => {
  const { index, parser, clock } = deps;

  const take: Library['take'] = async (incoming, { dryRun = false, accepts } = {}) => {
    const { kind, location, raw, foundBy, etag } = incoming;
    const id = sourceIdOf(kind, location);
    const before = (await index.sources()).find((source) => source.id === id);
    try {
      const prepared = await parser.prepare(raw, {
        sourceId: id,
        title: incoming.title,
        address: kind === 'page' ? location : undefined,
      });
      const { passages, page, note, title, hash, language, url } = prepared;
      const more = { location, ...(note === undefined ? {} : { note }), ...(page ? { page } : {}) };
      if (page && accepts && !accepts(page)) return { type: 'skipped', location, page };
      const source = {
        id,
        kind,
        location,
        title,
        hash,
        readAt: clock.now() / 1000,
        ...(url === undefined ? {} : { url }),
        ...(language === undefined ? {} : { language }),
        ...(etag === undefined ? {} : { etag }),
        ...(foundBy === undefined ? {} : { foundBy }),
        ...(note === undefined ? {} : { note }),
      };
      if (before?.hash === hash) {
        if (!dryRun) await index.touch(source);
        return { type: 'unchanged', passages: passages.length, ...more };
      }
      const kept = dryRun ? 0 : (await index.put(source, passages)).kept;
      return { type: before ? 'changed' : 'added', passages: passages.length, kept, ...more };
    } catch (thrown) {
      if (thrown instanceof UnreadableDocument)
        return { type: 'unreadable', location, reason: thrown.message };
      throw thrown;
    }
  };

  return { take, remove: (sourceId) => index.remove(sourceId), sources: () => index.sources() };
};
