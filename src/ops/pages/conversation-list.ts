import { html } from 'hono/html';
import { visitorKey } from '../../chat/model.ts';
import { fold, searchTerms } from '../fold.ts';
import type { ConversationRow, Page } from '../ops-port.ts';
import { CONVERSATIONS } from './filters.ts';
import { number, plural } from './format.ts';
import { icon } from './icons.ts';
import { badge, empty, type Html, marked, NOTHING, snippet, timeAgo, who } from './parts.ts';
import { filterOnly, href, type Query } from './query.ts';

const badges = ({ failed, down, up, flagged, unanswered }: ConversationRow): Html =>
  html`<span class="badges">${[
    failed > 0
      ? badge(failed === 1 ? 'failed' : `${number(failed)} failed`, 'danger', plural(failed, 'failed turn'))
      : NOTHING,
    flagged > 0
      ? badge(
          'flagged',
          'warn',
          plural(flagged, 'message refused by moderation', 'messages refused by moderation'),
        )
      : NOTHING,
    unanswered > 0
      ? badge(
          'unanswered',
          'warn',
          plural(unanswered, 'answer that says “I do not know”', 'answers that say “I do not know”'),
        )
      : NOTHING,
    down > 0
      ? html`<span class="thumb down" title="${plural(down, 'thumb down', 'thumbs down')}">${icon('down')}<span class="sr">${plural(down, 'thumb down', 'thumbs down')}</span></span>`
      : NOTHING,
    up > 0
      ? html`<span class="thumb up" title="${plural(up, 'thumb up', 'thumbs up')}">${icon('up')}<span class="sr">${plural(up, 'thumb up', 'thumbs up')}</span></span>`
      : NOTHING,
  ]}</span>`;

/** What a row quotes: where a search was found, else how the conversation began. */
const words = ({ firstWords, match }: ConversationRow, terms: readonly string[]): Html => {
  if (terms.length === 0) return html`${firstWords.replace(/\s+/g, ' ')}`;
  const folded = fold(match.user);
  const isInMessage = match.bot === null || terms.some((term) => folded.includes(term));
  return marked(snippet(isInMessage ? match.user : (match.bot ?? ''), terms), terms);
};

const row = (conversation: ConversationRow, query: Query, terms: readonly string[], now: number): Html => {
  const key = visitorKey(conversation.visitor);
  const isOpen = key === query.v;
  return html`<li class="row${isOpen ? ' open' : ''}"><a href="${href(CONVERSATIONS, query, { v: key, tb: undefined, ta: undefined })}" data-row${isOpen ? html` aria-current="true"` : NOTHING}>
    ${who(conversation.visitor, conversation.name)}
    <span class="words cut" dir="auto">${words(conversation, terms)}</span>
    ${badges(conversation)}
    <span class="count" title="${plural(conversation.exchanges, 'exchange')}">${number(conversation.exchanges)}</span>
    ${timeAgo(conversation.lastSeen, now)}
  </a></li>`;
};

const nothing = (query: Query): Html =>
  Object.values(filterOnly(query)).some((value) => value !== undefined)
    ? empty(
        'Nothing fits these filters',
        html`Try fewer words, a longer time, or <a href="${CONVERSATIONS}">clear the filters</a>.`,
      )
    : empty('No conversations yet', 'As soon as a visitor writes, the conversation appears here by itself.');

/** The list of conversations, with the ways to its neighbouring pages. */
export const conversationList = (
  { rows, hasNewer, hasOlder }: Page<ConversationRow>,
  query: Query,
  now: number,
): Html => {
  const terms = query.q === undefined ? [] : searchTerms(query.q);
  const first = rows[0]?.cursor;
  const last = rows.at(-1)?.cursor;
  const isFirstPage = query.before === undefined && query.after === undefined;
  return html`<section class="list" aria-label="Conversations" id="list"${isFirstPage ? html` data-live` : NOTHING}>
  ${
    rows.length === 0
      ? nothing(query)
      : html`<div class="head" aria-hidden="true"><span>Visitor</span><span>First words</span><span></span><span class="count">Exchanges</span><span>Last seen</span></div><ol class="rows">${rows.map((one) => row(one, query, terms, now))}</ol>`
  }
  ${
    hasNewer || hasOlder
      ? html`<nav class="pages" aria-label="Pages">${hasNewer && first ? html`<a class="button" rel="prev" href="${href(CONVERSATIONS, query, { before: undefined, after: first })}">Newer</a>` : html`<span></span>`}${hasOlder && last ? html`<a class="button" rel="next" href="${href(CONVERSATIONS, query, { after: undefined, before: last })}">Older</a>` : html`<span></span>`}</nav>`
      : NOTHING
  }
</section>`;
};
