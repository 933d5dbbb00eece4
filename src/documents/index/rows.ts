import { z } from 'zod';
import type { FoundPassage, IndexedSource, Source } from '../model.ts';

const optional = z.string().nullish();

const sourceRow = z.object({
  id: z.string(),
  kind: z.enum(['file', 'upload', 'page']),
  location: z.string(),
  title: z.string(),
  url: optional,
  language: optional,
  hash: z.string(),
  etag: optional,
  found_by: optional,
  note: optional,
  read_at: z.number(),
  passages: z.number(),
});

/** A source as both databases have it. */
export const toSource = (row: unknown): IndexedSource => {
  const { url, language, etag, found_by: foundBy, note, read_at: readAt, ...rest } = sourceRow.parse(row);
  return {
    ...rest,
    readAt,
    ...(url ? { url } : {}),
    ...(language ? { language } : {}),
    ...(etag ? { etag } : {}),
    ...(foundBy ? { foundBy } : {}),
    ...(note ? { note } : {}),
  };
};

/** The columns of a source, in the order of {@link SOURCE_COLUMNS}. */
export const SOURCE_COLUMNS = [
  'id',
  'kind',
  'location',
  'title',
  'url',
  'language',
  'hash',
  'etag',
  'found_by',
  'note',
  'read_at',
] as const;

export const sourceValues = (source: Source): (string | number | null)[] => [
  source.id,
  source.kind,
  source.location,
  source.title,
  source.url ?? null,
  source.language ?? null,
  source.hash,
  source.etag ?? null,
  source.foundBy ?? null,
  source.note ?? null,
  source.readAt,
];

/** The columns of a passage `p` with its source `s`. */
export const PASSAGE_COLUMNS = `p.id, p.headings, p.text, p.url, p.place, s.id as source_id, s.title as source_title,
  s.url as source_url, s.location as source_location, s.language as source_language`;

const passageRow = z.object({
  id: z.string(),
  headings: z.string(),
  text: z.string(),
  url: optional,
  place: optional,
  source_id: z.string(),
  source_title: z.string(),
  source_url: optional,
  source_location: z.string(),
  source_language: optional,
});
const headingList = z.array(z.string());

/** A passage joined with its source, as both databases have it. */
export const toPassage = (row: unknown): FoundPassage => {
  const found = passageRow.parse(row);
  return {
    id: found.id,
    headings: headingList.parse(JSON.parse(found.headings)),
    text: found.text,
    ...(found.url ? { url: found.url } : {}),
    ...(found.place ? { place: found.place } : {}),
    source: {
      id: found.source_id,
      title: found.source_title,
      location: found.source_location,
      ...(found.source_url ? { url: found.source_url } : {}),
      ...(found.source_language ? { language: found.source_language } : {}),
    },
  };
};

/** What a passage's vector is made of. */
export const embeddedText = (title: string, headings: readonly string[], text: string): string =>
  [...new Set([title, ...headings]), text].filter((part) => part !== '').join('\n');

export const bytesOf = (vector: Float32Array): Uint8Array =>
  new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);

/** Copies, as the bytes of a row may begin anywhere. */
export const vectorOf = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer);
