import { html } from 'hono/html';
import { type Source, visitorKey } from '../../chat/model.ts';
import { searchTerms } from '../fold.ts';
import type { ConversationRow, OpsExchange, Page } from '../ops-port.ts';
import type { Prices } from '../prices.ts';
import { errorHelp } from './error-help.ts';
import { CONVERSATIONS } from './filters.ts';
import { KIND_TITLES, money, number, plural, span } from './format.ts';
import { icon } from './icons.ts';
import { badge, empty, type Html, marked, NOTHING, timeAgo, timeExact, who } from './parts.ts';
import { href, type Query } from './query.ts';

/** Only addresses of the web become links: what an answer quotes is not to be trusted. */
const isWebAddress = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

const source = ({ n, title, url, place }: Source): Html => {
  const label = html`<span class="n">${n}</span><span dir="auto">${title}${place === undefined ? NOTHING : html`, ${place}`}</span>`;
  return url !== undefined && isWebAddress(url)
    ? html`<li><a href="${url}" target="_blank" rel="noopener noreferrer">${label}</a></li>`
    : html`<li>${label}</li>`;
};

const failure = (code: string): Html => {
  const { means, todo } = errorHelp(code);
  return html`<div class="failure"><p><strong>Not answered</strong> <code>${code}</code></p><p>${means}</p><p class="todo">${todo}</p></div>`;
};

/** How the run went, in one quiet line. */
const details = ({ run, usage, truncated, cleared }: OpsExchange, prices: Prices): Html => {
  const facts = [
    run?.firstWordMs === undefined
      ? undefined
      : html`<span title="From the message to the first word">${span(run.firstWordMs)} to first word</span>`,
    run === undefined
      ? undefined
      : html`<span title="From the message to the end of the turn">${span(run.totalMs)} in all</span>`,
    usage &&
      html`<span title="Tokens in and out">${number(usage.input)} → ${number(usage.output)} tokens</span>`,
    usage && prices.isSet
      ? html`<span title="By PRICES">${money(prices.costOf(run?.model, usage))}</span>`
      : undefined,
    run?.model === undefined ? undefined : html`<span>${run.model}</span>`,
    run && html`<span>${run.backend}</span>`,
    run?.tools &&
      html`<span title="Functions that were called, in order">called ${run.tools.map((name, n) => html`${n > 0 ? ', ' : ''}<code>${name}</code>`)}</span>`,
    truncated && html`<span>cut short</span>`,
    cleared && html`<span title="Only operators see it">cleared by the visitor</span>`,
  ].filter((fact) => fact !== undefined);
  return facts.length === 0 ? NOTHING : html`<p class="facts">${facts}</p>`;
};

const thumb = ({ feedback }: OpsExchange): Html =>
  feedback === undefined
    ? NOTHING
    : html`<p class="feedback ${feedback.rating}">${icon(feedback.rating)}<span>${feedback.rating === 'up' ? 'Thumbs up' : 'Thumbs down'}${feedback.comment === undefined ? NOTHING : html`: <q dir="auto">${feedback.comment}</q>`}</span></p>`;

const exchange = (
  one: OpsExchange,
  terms: readonly string[],
  prices: Prices,
): Html => html`<article class="exchange" id="x-${one.id}">
  <div class="said"><p class="by"><span>Visitor</span>${timeExact(one.timestamp)}</p><div class="text" dir="auto">${marked(one.user, terms)}</div></div>
  <div class="said assistant"><p class="by"><span>Assistant</span>${one.flagged ? badge(`flagged: ${one.flagged.join(', ')}`, 'warn') : NOTHING}${one.unanswered ? badge('unanswered', 'warn', 'The assistant said that it does not know') : NOTHING}</p>
  ${one.bot === null ? failure(one.error ?? 'internal_error') : html`<div class="text" dir="auto">${marked(one.bot, terms)}</div>`}
  ${one.sources && one.sources.length > 0 ? html`<ol class="sources" aria-label="Sources">${one.sources.map(source)}</ol>` : NOTHING}
  ${thumb(one)}${details(one, prices)}</div>
</article>`;

/** A summary of the visitor, and what can be done. */
const header = (row: ConversationRow, query: Query, now: number): Html => html`<header class="thread-head">
  <a class="button plain back" href="${href(CONVERSATIONS, query, { v: undefined, tb: undefined, ta: undefined })}" data-close title="Back to the list (Esc)">${icon('back')}<span class="sr">Back to the list</span></a>
  <div class="title"><h2>${who(row.visitor, row.name)}</h2><p class="muted">${KIND_TITLES[row.visitor.kind]}${row.name === undefined || row.visitor.kind === 'anonymous' ? NOTHING : html` · <code>${row.visitor.id}</code>`} · ${plural(row.exchanges, 'exchange')} · last seen ${timeAgo(row.lastSeen, now)}</p></div>
  ${row.visitor.id === '' ? NOTHING : html`<a class="button plain danger" href="/ops/visitors/erase?v=${encodeURIComponent(visitorKey(row.visitor))}" title="Erase this visitor">${icon('trash')}<span class="sr">Erase this visitor</span></a>`}
</header>`;

/** One conversation as a readable thread, oldest first. */
export const thread = (
  row: ConversationRow | undefined,
  { rows, hasNewer, hasOlder }: Page<OpsExchange>,
  { query, prices, now }: { query: Query; prices: Prices; now: number },
): Html => {
  if (!row || rows.length === 0) {
    return html`<section class="thread" id="thread">${empty(
      'This conversation is not there',
      html`It was erased, or has never been. <a href="${href(CONVERSATIONS, query, { v: undefined, tb: undefined, ta: undefined })}">Back to the list</a>`,
    )}</section>`;
  }
  const terms = query.q === undefined ? [] : searchTerms(query.q);
  const oldestFirst = rows.toReversed();
  const isNewest = query.tb === undefined && query.ta === undefined;
  return html`<section class="thread" id="thread" aria-label="Conversation"${isNewest ? html` data-live` : NOTHING}>
  ${header(row, query, now)}
  <div class="exchanges">
  ${hasOlder ? html`<p class="turn"><a class="button" href="${href(CONVERSATIONS, query, { ta: undefined, tb: rows.at(-1)?.cursor })}">Earlier</a></p>` : NOTHING}
  ${oldestFirst.map((one) => exchange(one, terms, prices))}
  ${hasNewer ? html`<p class="turn"><a class="button" href="${href(CONVERSATIONS, query, { tb: undefined, ta: rows[0]?.cursor })}">Later</a></p>` : NOTHING}
  </div>
</section>`;
};
