import { createHash } from 'node:crypto';
import type { Block, Passage } from '../model.ts';
import { cutText, tokensOf } from './sizes.ts';

/** A passage is filled up to so many tokens … */
const TARGET_TOKENS = 400;
/** … and never holds more than so many. */
const MAX_TOKENS = 500;
/** One with fewer goes on past the next heading of the same or a lower level: a line alone says little. */
const MIN_TOKENS = 100;
const MAX_HEADINGS = 6;
const MAX_HEADING = 200;

type Heading = Extract<Block, { type: 'heading' }>;

/** A row as a line that can be understood alone. */
const rowText = ({ columns, cells }: Extract<Block, { type: 'row' }>): string =>
  cells
    .map((cell, at) => ({ cell, column: columns[at] ?? '' }))
    .filter(({ cell }) => cell !== '')
    .map(({ cell, column }) => (column === '' ? cell : `${column}: ${cell}`))
    .join('; ');

interface Draft {
  readonly headings: readonly Heading[];
  lines: string[];
  tokens: number;
  place: string | undefined;
}

/** The headings that stand above what follows a heading. */
const under = (headings: readonly Heading[], next: Heading): Heading[] =>
  [...headings.filter(({ level }) => level < next.level), next].slice(-MAX_HEADINGS);

const draftsOf = (blocks: readonly Block[]): Draft[] => {
  const drafts: Draft[] = [];
  let headings: readonly Heading[] = [];
  let draft: Draft | undefined;
  const flush = (): void => {
    if (draft && draft.lines.length > 0) drafts.push(draft);
    draft = undefined;
  };
  const add = (text: string, place: string | undefined): void => {
    for (const part of cutText(text, MAX_TOKENS)) {
      const tokens = tokensOf(part);
      if (draft && draft.tokens > 0 && draft.tokens + tokens > TARGET_TOKENS) flush();
      draft ??= { headings, lines: [], tokens: 0, place };
      draft.lines.push(part);
      draft.tokens += tokens;
      draft.place ??= place;
    }
  };
  for (const block of blocks) {
    if (block.type !== 'heading') {
      add(
        block.type === 'row' ? rowText(block) : block.text,
        block.type === 'text' ? block.place : undefined,
      );
      continue;
    }
    const text = block.text.slice(0, MAX_HEADING);
    const innermost = draft?.headings.at(-1);
    // Short sections of one section stay together, under its heading.
    const goesOn =
      draft &&
      innermost &&
      block.url === undefined &&
      draft.tokens < MIN_TOKENS &&
      block.level > innermost.level;
    if (goesOn) add(text, undefined);
    else {
      flush();
      headings = under(headings, { ...block, text });
    }
  }
  flush();
  return drafts;
};

const ID_CHARS = 22;
/** Names a passage by its source and what it says, and where the same is said again, by how often it was before. */
const idOf = (sourceId: string, content: string, before: number): string =>
  createHash('sha256')
    .update(JSON.stringify([sourceId, content, before]))
    .digest('base64url')
    .slice(0, ID_CHARS);

/** What makes a passage the same passage. */
const contentOf = ({ headings, text }: Pick<Passage, 'headings' | 'text'>): string =>
  JSON.stringify([headings, text]);

/**
 * Cuts a document into passages of about 300 to 500 tokens, along its headings, paragraphs and rows. A passage keeps
 * its id as long as its text and headings stay the same, wherever it moves.
 * @param address The source's own address, to which a heading's `#anchor` belongs.
 */
export const splitPassages = (sourceId: string, blocks: readonly Block[], address?: string): Passage[] => {
  const seen = new Map<string, number>();
  return draftsOf(blocks).map((draft) => {
    const headings = draft.headings.map(({ text }) => text);
    const text = draft.lines.join('\n');
    const content = contentOf({ headings, text });
    const before = seen.get(content) ?? 0;
    seen.set(content, before + 1);
    const link = draft.headings.at(-1)?.url;
    const url = link?.startsWith('#') ? address && address.replace(/#.*$/, '') + link : link;
    const place = draft.place ?? (headings.length > 1 ? headings.at(-1) : undefined);
    return {
      id: idOf(sourceId, content, before),
      headings,
      text,
      ...(url ? { url } : {}),
      ...(place === undefined ? {} : { place }),
    };
  });
};
