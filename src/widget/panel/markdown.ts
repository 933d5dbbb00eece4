import * as smd from 'streaming-markdown';
import { h } from '../dom.ts';
import type { Strings } from '../strings/en.ts';
import { onCopy } from './copy.ts';
import { icon } from './icons.ts';
import { hiddenHost, linkTo, safeUrl, withoutBidiControls } from './links.ts';
import { createLiterals } from './literals.ts';

/** Markdown that grows: what stands is never made anew, and no HTML is ever parsed. */
export interface Markdown {
  write(text: string): void;
  /** The text is whole. */
  end(): void;
  /** The marks `[1]`, `[2]` … in the text, in order. */
  readonly marks: ReadonlyMap<HTMLAnchorElement, number>;
}

/** Deeper than this nobody nests; the parser keeps room for no more. */
const MAX_DEPTH = 100;

/** What follows an address in a sentence, and does not belong to it. */
const SENTENCE_END = /[.,;:!?)\]}'"*_]+$/;

const TAGS: Partial<Record<smd.Token, keyof HTMLElementTagNameMap>> = {
  [smd.PARAGRAPH]: 'p',
  [smd.LINE_BREAK]: 'br',
  [smd.RULE]: 'hr',
  [smd.BLOCKQUOTE]: 'blockquote',
  [smd.ITALIC_AST]: 'em',
  [smd.ITALIC_UND]: 'em',
  [smd.STRONG_AST]: 'strong',
  [smd.STRONG_UND]: 'strong',
  [smd.STRIKE]: 's',
  [smd.CODE_INLINE]: 'code',
  [smd.LIST_UNORDERED]: 'ul',
  [smd.LIST_ORDERED]: 'ol',
  [smd.LIST_ITEM]: 'li',
  [smd.EQUATION_BLOCK]: 'p',
};

/** What a token becomes: the element that grows, and what goes onto the page with it, where that is another. */
type Made = readonly [inner: HTMLElement, outer?: HTMLElement];

interface Options {
  readonly strings: Strings;
  readonly showsImages: boolean;
}

/** @param root Where it grows. */
export const createMarkdown = (root: HTMLElement, { strings, showsImages }: Options): Markdown => {
  const marks = new Map<HTMLAnchorElement, number>();
  const kinds = new WeakMap<HTMLElement, smd.Token>();
  const open: HTMLElement[] = [root];
  const top = (): HTMLElement => open.at(-1) ?? root;

  const codeBox = (): Made => {
    const code = h('code');
    const copy = h(
      'button',
      { type: 'button', class: 'quiet', 'aria-label': strings.copyCode },
      icon('copy', 16),
    );
    copy.addEventListener('click', () => void onCopy(copy, code.textContent ?? '', strings));
    const head = h('div', { class: 'code-head' }, h('span', { class: 'code-lang' }), copy);
    const pre = h('pre', { tabindex: 0, role: 'group', 'aria-label': strings.code, dir: 'ltr' }, code);
    return [code, h('div', { class: 'code' }, head, pre)];
  };

  const tableBox = (): Made => {
    const table = h('table');
    return [
      table,
      h('div', { class: 'table', tabindex: 0, role: 'group', 'aria-label': strings.table }, table),
    ];
  };

  /** The first row of a table is its head. */
  const tableRow = (table: HTMLElement): Made => {
    const row = h('tr');
    const part = table.querySelector('tbody') ?? h(table.childElementCount === 0 ? 'thead' : 'tbody');
    part.append(row);
    return [row, part];
  };

  const link = (token: smd.Token): Made => {
    const anchor = h('a');
    kinds.set(anchor, token);
    return [anchor];
  };

  const made = (token: smd.Token, parent: HTMLElement): Made => {
    const level = smd.heading_to_level(token);
    // Below the panel's own heading, so that the page's outline stays true.
    const heading = { role: 'heading', 'aria-level': Math.min(6, level + 2), class: `h h${level}` };
    if (level > 0) return [h('p', heading)];
    switch (token) {
      case smd.CODE_BLOCK:
      case smd.CODE_FENCE:
        return codeBox();
      case smd.LINK:
      case smd.RAW_URL:
      case smd.IMAGE:
        return link(token);
      case smd.CHECKBOX:
        return [h('input', { type: 'checkbox', disabled: true, 'aria-label': '·' })];
      case smd.TABLE:
        return tableBox();
      case smd.TABLE_ROW:
        return tableRow(parent);
      case smd.TABLE_CELL:
        return [parent.parentElement?.tagName === 'THEAD' ? h('th', { scope: 'col' }) : h('td')];
      default:
        return [h(TAGS[token] ?? 'span')];
    }
  };

  const add = (_: undefined, token: smd.Token): void => {
    if (token === smd.DOCUMENT) return;
    const [inner, outer = inner] = made(token, top());
    top().append(outer);
    open.push(inner);
  };

  const setUrl = (anchor: HTMLAnchorElement, raw: string, isImage: boolean): void => {
    const url = safeUrl(raw, isImage ? ['http:', 'https:'] : undefined);
    if (!url) return;
    if (isImage && showsImages) {
      const alt = anchor.textContent ?? '';
      const image = { src: url.href, alt, loading: 'lazy', decoding: 'async', referrerpolicy: 'no-referrer' };
      anchor.replaceChildren(h('img', image));
    }
    linkTo(anchor, url);
    if (isImage && !showsImages && anchor.textContent === '') anchor.append(url.host);
  };

  const attribute = (_: undefined, name: smd.Attr, value: string): void => {
    const element = top();
    if (element instanceof HTMLAnchorElement) {
      if (name === smd.HREF || name === smd.SRC) {
        // An address that stands by itself ends where the sentence goes on.
        setUrl(
          element,
          kinds.get(element) === smd.RAW_URL ? value.replace(SENTENCE_END, '') : value,
          name === smd.SRC,
        );
      }
    } else if (name === smd.LANG) {
      const label = element.closest('.code')?.querySelector('.code-lang');
      label?.append(withoutBidiControls(value).trim().slice(0, 24));
    } else if (name === smd.START && /^\d{1,9}$/.test(value)) element.setAttribute('start', value);
    else if (name === smd.CHECKED) element.setAttribute('checked', '');
  };

  /** What looked like a link and is none gets its brackets back; `[1]` is a mark of a source. */
  const endLink = (anchor: HTMLAnchorElement): void => {
    const text = anchor.textContent ?? '';
    const tail = kinds.get(anchor) === smd.RAW_URL ? (SENTENCE_END.exec(text)?.[0] ?? '') : '';
    if (tail !== '') {
      anchor.textContent = text.slice(0, -tail.length);
      anchor.after(tail);
    }
    if (anchor.href) {
      const host = hiddenHost(text, new URL(anchor.href));
      if (host) anchor.after(h('span', { class: 'host', dir: 'ltr' }, ` (${host})`));
      anchor.append(h('span', { class: 'sr' }, ` (${strings.newTab})`));
      return;
    }
    if (kinds.get(anchor) !== smd.LINK || parser.pending !== ']') return;
    if (/^\d{1,3}$/.test(text)) {
      anchor.textContent = `[${text}]`;
      anchor.className = 'mark';
      marks.set(anchor, Number(text));
      return;
    }
    anchor.before('[');
    anchor.after(']');
  };

  const end = (): void => {
    const element = open.length > 1 ? open.pop() : undefined;
    if (element instanceof HTMLAnchorElement) endLink(element);
  };

  const parser = smd.parser({
    data: undefined,
    add_token: add,
    end_token: end,
    add_text: (_: undefined, text: string) => top().append(withoutBidiControls(text)),
    set_attr: attribute,
  });
  parser.tokens = new Uint32Array(MAX_DEPTH * 4);
  parser.tokens[0] = smd.DOCUMENT;
  parser.spaces = new Uint8Array(MAX_DEPTH * 4);

  let isPlain = false;
  const addPlain = (text: string): void => top().append(withoutBidiControls(text));
  const feed = (text: string): void => {
    isPlain ||= parser.len > MAX_DEPTH;
    if (isPlain) {
      addPlain(text);
      return;
    }
    try {
      smd.parser_write(parser, text);
    } catch {
      // Whatever the parser cannot read is still text.
      isPlain = true;
      addPlain(text);
    }
  };

  const literals = createLiterals(parser, feed);

  return {
    marks,
    write: literals.write,
    end: () => {
      literals.end();
      if (isPlain) return;
      try {
        smd.parser_end(parser);
      } catch {
        // What is pending is lost at most.
      }
    },
  };
};
