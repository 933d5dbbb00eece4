/**
 * The words of this room: a source is a file or web page that the assistant may quote, a passage is a piece of it.
 */

/** A piece of a document as its parser found it, in reading order. */
export type Block =
  /** `url`: where what follows is to be found, if not at the document's own address. */
  | { readonly type: 'heading'; readonly level: number; readonly text: string; readonly url?: string }
  /** A paragraph, a list's item, code. `place`: such as `page 3`. */
  | { readonly type: 'text'; readonly text: string; readonly place?: string }
  /** A table's row, with the names of its columns; empty where the table has none. */
  | { readonly type: 'row'; readonly columns: readonly string[]; readonly cells: readonly string[] };

/** What a web page says beside its text. */
export interface PageFacts {
  /** Addresses that it links to and that may be followed; as they stand, to be resolved against its own. */
  readonly links: readonly string[];
  readonly canonical?: string;
  /** The page asks not to be indexed. */
  readonly noIndex: boolean;
}

/** A document that was read. */
export interface ParsedDocument {
  readonly title?: string;
  /** What the document says of its language, such as `de-AT`. */
  readonly language?: string;
  readonly blocks: readonly Block[];
  /** What the owner should know of how it was read: what was left out. */
  readonly note?: string;
  readonly page?: PageFacts;
}

/** A document could not be read; the message tells the owner why, in a few words. */
export class UnreadableDocument extends Error {}

export type SourceKind = 'file' | 'upload' | 'page';

/** A document that the assistant may quote, as the index keeps it. */
export interface Source {
  /** Stable: made from its kind and location. */
  readonly id: string;
  readonly kind: SourceKind;
  /** The file's path, the upload's name, or the page's address. */
  readonly location: string;
  readonly title: string;
  /** Where a visitor can look it up. */
  readonly url?: string;
  readonly language?: string;
  /** Tells whether its content has changed. */
  readonly hash: string;
  readonly etag?: string;
  /** The start address of the crawl that found it, or the folder. */
  readonly foundBy?: string;
  readonly note?: string;
  /** When it was last read: seconds since 1970. */
  readonly readAt: number;
}

/** A source with what the index knows of it. */
export interface IndexedSource extends Source {
  readonly passages: number;
}

/** A piece of a source, small enough to be quoted whole. */
export interface Passage {
  /** Stable as long as the text and its headings stay the same. */
  readonly id: string;
  /** The headings above it, outermost first. */
  readonly headings: readonly string[];
  readonly text: string;
  /** Where it is to be found, if not at the source's address. */
  readonly url?: string;
  /** Where in the source it stands: `page 3`, or its innermost heading. */
  readonly place?: string;
}

/** A passage with the source that it belongs to. */
export interface FoundPassage extends Passage {
  readonly source: Pick<Source, 'id' | 'title' | 'url' | 'location' | 'language'>;
}
