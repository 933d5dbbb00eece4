import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Visitor } from '../../chat/model.ts';
import { fold } from '../fold.ts';
import { ago, exact, isTime, KIND_TITLES, visitorLabel } from './format.ts';
import { icon } from './icons.ts';

/** Escaped HTML, or nothing. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;
export const NOTHING = raw('');

/** A time that is told as how long ago it was; the exact one on hover. */
export const timeAgo = (at: number, now: number): Html =>
  isTime(at)
    ? html`<time datetime="${new Date(at * 1000).toISOString()}" data-time="ago" title="${exact(at)}">${ago(at, now)}</time>`
    : html`<span>–</span>`;

/** An exact time; the script puts it in the reader's zone. */
export const timeExact = (at: number): Html =>
  isTime(at)
    ? html`<time datetime="${new Date(at * 1000).toISOString()}" data-time="exact">${exact(at)}</time>`
    : html`<span>at an unknown time</span>`;

export const who = (visitor: Visitor, name?: string): Html =>
  html`<span class="who" title="${KIND_TITLES[visitor.kind]}${visitor.id === '' ? '' : `: ${visitor.id}`}">${icon(visitor.kind)}<span class="cut" dir="auto">${visitorLabel(visitor, name)}</span></span>`;

export const badge = (text: string, tone: 'danger' | 'warn' | 'ok' | 'quiet', title?: string): Html =>
  html`<span class="badge ${tone}"${title === undefined ? NOTHING : html` title="${title}"`}>${text}</span>`;

/** What a page says where there is nothing to show. */
export const empty = (title: string, text: Html | string): Html =>
  html`<div class="empty"><h2>${title}</h2><p>${text}</p></div>`;

/** Where `terms` are found in a text: pairs of start and end, in order and apart. */
const foundIn = (text: string, terms: readonly string[]): [number, number][] => {
  // Folding may change the length: each folded character remembers where it came from.
  let folded = '';
  const from: number[] = [];
  const to: number[] = [];
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    const plain = fold(segment);
    for (let n = 0; n < plain.length; n++) {
      from.push(index);
      to.push(index + segment.length);
    }
    folded += plain;
  }
  const found: [number, number][] = [];
  for (const term of terms) {
    for (let at = folded.indexOf(term); at >= 0; at = folded.indexOf(term, at + term.length)) {
      found.push([from[at] ?? 0, to[at + term.length - 1] ?? text.length]);
    }
  }
  const merged: [number, number][] = [];
  for (const [start, end] of found.toSorted(([one], [other]) => one - other)) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
};

/** A text with what was searched for marked. @param terms Folded. */
export const marked = (text: string, terms: readonly string[]): Html => {
  if (terms.length === 0) return html`${text}`;
  const pieces: Html[] = [];
  let done = 0;
  for (const [start, end] of foundIn(text, terms)) {
    pieces.push(html`${text.slice(done, start)}<mark>${text.slice(start, end)}</mark>`);
    done = end;
  }
  return html`${pieces}${text.slice(done)}`;
};

/** A piece of a text around the first place where a term is; the text's start where there is none. */
export const snippet = (text: string, terms: readonly string[], length = 160): string => {
  const [first] = terms.length > 0 ? foundIn(text.slice(0, 20_000), terms) : [];
  const start = first ? Math.max(0, first[0] - 40) : 0;
  const piece = text
    .slice(start, start + length)
    .toWellFormed()
    .replaceAll('\ufffd', '')
    .replace(/\s+/g, ' ')
    .trim();
  return `${start > 0 ? '…' : ''}${piece}${start + length < text.length ? '…' : ''}`;
};
