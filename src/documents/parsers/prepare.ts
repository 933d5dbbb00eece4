import { createHash } from 'node:crypto';
import type { PassageWithTerms } from '../index/index-port.ts';
import type { PageFacts } from '../model.ts';
import { splitPassages } from '../passages/split.ts';
import { detectLanguage } from '../text/languages.ts';
import { termsOf } from '../text/terms.ts';
import type { ParseLimits } from './limits.ts';
import { parseDocument, type RawDocument } from './parse.ts';

export interface PrepareOptions {
  readonly sourceId: string;
  /** Its title, where its own is not to be used. */
  readonly title?: string | undefined;
  /** The page's address. */
  readonly address?: string | undefined;
}

/** A document ready for the index. */
export interface PreparedDocument {
  readonly title: string;
  readonly language?: string;
  /** Where a visitor can look it up, if it says so or was found there. */
  readonly url?: string;
  /** Tells whether anything of it has changed. */
  readonly hash: string;
  readonly passages: readonly PassageWithTerms[];
  readonly note?: string;
  readonly page?: PageFacts;
}

const SAMPLE_BLOCKS = 200;

/** What no database keeps: NUL, and halves of characters. */
const clean = (text: string): string => text.toWellFormed().replaceAll('\0', '');

/** The last part of a path or address, without its ending. */
const nameOf = (name: string): string => {
  const last =
    name
      .replace(/[?#].*$/, '')
      .split(/[\\/]/)
      .findLast((part) => part !== '') ?? name;
  return (
    last
      .replace(/\.[a-z0-9]{1,8}$/i, '')
      .replaceAll(/[-_]+/g, ' ')
      .trim() || name
  );
};

/**
 * Reads a document, cuts it into passages and finds their terms.
 * @throws UnreadableDocument
 */
export const prepareDocument = async (
  raw: RawDocument,
  { sourceId, title: given, address }: PrepareOptions,
  limits: ParseLimits,
): Promise<PreparedDocument> => {
  const { blocks, note, page, title: own, language: declared } = await parseDocument(raw, limits);
  const title = clean(given ?? own ?? nameOf(raw.name));
  const canonical = page?.canonical;
  const said = canonical !== undefined && /^https?:\/\//.test(canonical) ? canonical : undefined;
  const url = address ?? said;
  const sample = blocks
    .slice(0, SAMPLE_BLOCKS)
    .map((block) => (block.type === 'row' ? block.cells.join(' ') : block.text));
  const language = detectLanguage(sample.join('\n'), declared);
  const passages = splitPassages(sourceId, blocks, url).map((passage) => {
    const headings = passage.headings.map(clean);
    const text = clean(passage.text);
    const above = [...new Set([title, ...headings])].join(' ');
    return {
      ...passage,
      headings,
      text,
      titleTerms: termsOf(above, language).join(' '),
      bodyTerms: termsOf(text, language).join(' '),
    };
  });
  const hash = createHash('sha256')
    .update(JSON.stringify([title, language, url, passages]))
    .digest('base64url');
  return {
    title,
    hash,
    passages,
    ...(language === undefined ? {} : { language }),
    ...(url === undefined ? {} : { url }),
    ...(note === undefined ? {} : { note }),
    ...(page === undefined ? {} : { page }),
  };
};
