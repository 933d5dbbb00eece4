import type { FoundPassage, IndexedSource, Passage, Source } from '../model.ts';

/** A passage with the terms by which it is found. */
export interface PassageWithTerms extends Passage {
  /** Of the title and the headings above it, parted by spaces. */
  readonly titleTerms: string;
  readonly bodyTerms: string;
}

/** One word of a question: a passage that has any of its forms has the word. */
export interface WordGroup {
  readonly forms: readonly string[];
  /** Words that begin so count, too. */
  readonly prefix?: string;
  /** It is a run of characters, and maybe across the border of two words. */
  readonly isGram?: true;
}

/** A passage's id with how well it fits; higher is better, and only to be compared within one search. */
export interface Scored {
  readonly id: string;
  readonly score: number;
}

/** What a search by words found. */
export interface WordHits {
  /** How many passages there are. */
  readonly total: number;
  /** About how many of them have each of the words. */
  readonly counts: readonly number[];
  readonly hits: readonly Scored[];
}

/** What became of a source's passages. */
export interface Changes {
  readonly added: number;
  readonly kept: number;
  readonly removed: number;
}

/** A passage's vector. `seq` counts up: what was added after a `seq` is all that is new. */
export interface StoredVector {
  readonly seq: number;
  readonly id: string;
  readonly vector: Float32Array;
}

/** A passage near to a vector. */
export interface NearPassage {
  readonly id: string;
  /** Cosine. */
  readonly similarity: number;
}

/** A passage that has no vector of a model yet. */
export interface Unembedded {
  readonly id: string;
  /** Its title, headings and text. */
  readonly text: string;
}

/**
 * Where sources, passages, their words and vectors are kept. Every write is atomic, and durable when its promise
 * resolves.
 */
export interface DocumentIndex {
  /** Keeps a source and its passages, in place of what it had. Passages whose ids it had stay, with their vectors. */
  put(source: Source, passages: readonly PassageWithTerms[]): Promise<Changes>;
  /** Keeps what is known of a source whose passages did not change. */
  touch(source: Source): Promise<void>;
  /** @returns Whether it was there. */
  remove(sourceId: string): Promise<boolean>;
  /** All sources, by location. */
  sources(): Promise<IndexedSource[]>;
  /** Passages by their ids, in their order; those that are gone are left out. */
  passages(ids: readonly string[]): Promise<FoundPassage[]>;
  /** All passages of a source, in reading order. */
  passagesOf(sourceId: string): Promise<FoundPassage[]>;
  /** The languages of the sources, most frequent first; an empty text for those whose language is not known. */
  languages(): Promise<string[]>;
  /** Which of the terms any passage has. */
  knownTerms(terms: readonly string[]): Promise<string[]>;
  /** Passages that have any of the words, by BM25, best first. */
  byWords(groups: readonly WordGroup[], limit: number): Promise<WordHits>;
  /** Passages that have no vector of the model yet, the oldest first. */
  unembedded(model: string, limit: number): Promise<Unembedded[]>;
  /** Keeps vectors; those of passages that are gone are left out. */
  putVectors(model: string, vectors: readonly Pick<StoredVector, 'id' | 'vector'>[]): Promise<void>;
  /** Vectors of a model with a `seq` above `after`, in its order. */
  vectors(model: string, after: number, limit: number): Promise<StoredVector[]>;
  /** What the database has to find the nearest vectors of so many dimensions itself, such as `sqlite-vec v0.1.9`. */
  nearestBy(dimensions: number): Promise<string | undefined>;
  /** Makes vectors of a model ready for `nearest`, at most `limit`. @returns How many; fewer than `limit`: all are ready. */
  prepareNearest(model: string, limit: number): Promise<number>;
  /** Of a model's vectors that are ready, the nearest to one of length 1, best first. */
  nearest(model: string, query: Float32Array, limit: number): Promise<NearPassage[]>;
  /** Models with how many vectors of theirs there are. */
  models(): Promise<{ model: string; vectors: number }[]>;
  /** Forgets all vectors of a model. */
  dropModel(model: string): Promise<void>;
  /** Goes up with every change of passages or vectors. */
  version(): Promise<number>;
  close(): Promise<void>;
}

/** The weight of a word in titles and headings, against one in the text. */
export const TITLE_WEIGHT = 2;
