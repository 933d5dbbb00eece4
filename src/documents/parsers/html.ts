import { parse } from 'parse5';
import type { PageFacts, ParsedDocument } from '../model.ts';
import { type BoundedBlocks, createBlocks } from './bounded-blocks.ts';
import {
  attribute,
  collapse,
  type Element,
  elementsIn,
  isElement,
  isNotRead,
  MAX_DEPTH,
  type Node,
  oneLine,
  textIn,
} from './html-nodes.ts';
import { addTable } from './html-table.ts';
import type { ParseLimits } from './limits.ts';

/** Elements whose text runs on in the paragraph around them. */
const INLINE: ReadonlySet<string> = new Set(
  'a abbr acronym b bdi bdo big br cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp small span strike strong sub sup time tt u var wbr'.split(
    ' ',
  ),
);
/** The main part is believed where it has at least so much text, or all that there is. */
const MIN_MAIN_CHARS = 200;
const MAX_LINKS = 5_000;
const MAX_TITLE = 300;

/** Walks over a page's elements and adds what is to be read. */
const addBlocks = (root: Element, blocks: BoundedBlocks): void => {
  let line = '';
  const flush = (prefix = ''): void => {
    const text = collapse(line);
    line = '';
    if (text !== '') blocks.add({ type: 'text', text: prefix + text });
  };
  const walkAll = (element: Element, depth: number): void => {
    for (const child of element.childNodes) walk(child, depth + 1);
  };
  const walk = (node: Node, depth: number): void => {
    if (blocks.isFull() || depth > MAX_DEPTH) return;
    if (!isElement(node)) {
      if ('value' in node && node.nodeName === '#text') line += node.value.replace(/\s+/g, ' ');
      return;
    }
    if (isNotRead(node)) return;
    const { tagName } = node;
    if (tagName === 'br') line += '\n';
    else if (INLINE.has(tagName)) walkAll(node, depth);
    else {
      flush();
      const level = /^h([1-6])$/.exec(tagName)?.[1] ?? (tagName === 'summary' ? '5' : undefined);
      if (level) blocks.add(heading(node, Number(level)));
      else if (tagName === 'table') addTable(node, blocks, () => walkAll(node, depth));
      else if (tagName === 'pre') blocks.add({ type: 'text', text: textIn(node).trim() });
      else {
        walkAll(node, depth);
        flush(tagName === 'li' ? '- ' : '');
      }
    }
  };
  walkAll(root, 0);
  flush();
};

const heading = (node: Element, level: number) => {
  const anchor = attribute(node, 'id');
  const text = oneLine(textIn(node));
  return anchor === undefined || !/^[\w.:-]+$/.test(anchor)
    ? { type: 'heading' as const, level, text }
    : { type: 'heading' as const, level, text, url: `#${anchor}` };
};

const charsOf = (blocks: BoundedBlocks): number =>
  blocks.blocks.reduce(
    (sum, block) => sum + (block.type === 'row' ? block.cells.join('') : block.text).length,
    0,
  );

/** What is to be read of a page: its main part, or the body without its frame where it names none. */
const mainBlocks = (elements: readonly Element[], limits: ParseLimits): BoundedBlocks => {
  const read = (roots: readonly Element[]): BoundedBlocks => {
    const blocks = createBlocks(limits);
    for (const root of roots) addBlocks(root, blocks);
    return blocks;
  };
  const body = elements.filter(({ tagName }) => tagName === 'body');
  const mains = elements
    .filter((one) => one.tagName === 'main' || attribute(one, 'role') === 'main')
    .slice(0, 1);
  const articles = elements.filter(({ tagName }) => tagName === 'article');
  const chosen = mains.length > 0 ? mains : articles.length === 1 ? articles : [];
  const main = read(chosen);
  const all = charsOf(main) >= MIN_MAIN_CHARS ? undefined : read(body.map(withoutHeader));
  return all && charsOf(all) > 2 * charsOf(main) ? all : main;
};

/** A header directly in the body is the page's frame; one in an article belongs to its text. */
const withoutHeader = (body: Element): Element => {
  const childNodes = body.childNodes.filter((node) => !isElement(node) || node.tagName !== 'header');
  return { ...body, childNodes };
};

const factsOf = (elements: readonly Element[]): PageFacts => {
  const robots = elements
    .filter(
      (one) => one.tagName === 'meta' && /^(?:robots|thread-proxy)$/i.test(attribute(one, 'name') ?? ''),
    )
    .map((one) => attribute(one, 'content')?.toLowerCase() ?? '')
    .join(',');
  const base = elements.find(({ tagName }) => tagName === 'base');
  const canonical = elements.find(
    (one) => one.tagName === 'link' && /\bcanonical\b/i.test(attribute(one, 'rel') ?? ''),
  );
  const baseHref = base && attribute(base, 'href');
  const links = /nofollow|none/.test(robots)
    ? []
    : elements
        .filter((one) => one.tagName === 'a' && !/\bnofollow\b/i.test(attribute(one, 'rel') ?? ''))
        .map((one) => attribute(one, 'href'))
        .filter((href) => href !== undefined)
        .slice(0, MAX_LINKS)
        .map((href) =>
          baseHref !== undefined && URL.canParse(href, baseHref) ? new URL(href, baseHref).href : href,
        );
  const href = canonical && attribute(canonical, 'href');
  return { links, noIndex: /noindex|none/.test(robots), ...(href ? { canonical: href } : {}) };
};

/** Reads a page: its main text without navigation, its title, and what it says to crawlers. */
export const parseHtml = (html: string, limits: ParseLimits): ParsedDocument => {
  const elements = [...elementsIn(parse(html))];
  const blocks = mainBlocks(elements, limits);
  const first = blocks.blocks.find((block) => block.type === 'heading' && block.level === 1);
  const named = elements.find(({ tagName }) => tagName === 'title');
  const inHead = named
    ? oneLine(named.childNodes.map((node) => ('value' in node ? node.value : '')).join(''))
    : '';
  const title = (first?.type === 'heading' && first.text) || inHead;
  const root = elements.find(({ tagName }) => tagName === 'html');
  const language = root && attribute(root, 'lang');
  const note = blocks.note();
  return {
    blocks: blocks.blocks,
    page: factsOf(elements),
    ...(title ? { title: title.slice(0, MAX_TITLE) } : {}),
    ...(language ? { language } : {}),
    ...(note === undefined ? {} : { note }),
  };
};
