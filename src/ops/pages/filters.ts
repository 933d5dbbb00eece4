import { html } from 'hono/html';
import { FAILURE_CODES } from './error-help.ts';
import { icon } from './icons.ts';
import { type Html, NOTHING } from './parts.ts';
import { filterOnly, href, type Query } from './query.ts';

export const CONVERSATIONS = '/ops/conversations';

const option = (value: string, label: string, chosen: string | undefined): Html =>
  html`<option value="${value}"${value === (chosen ?? '') ? html` selected` : NOTHING}>${label}</option>`;

const select = (
  name: keyof Query,
  label: string,
  chosen: string | undefined,
  options: Record<string, string>,
): Html =>
  html`<label class="pick${chosen === undefined ? '' : ' set'}"><span class="sr">${label}</span><select name="${name}">${Object.entries(options).map(([value, text]) => option(value, text, chosen))}</select></label>`;

const input = (name: keyof Query, label: string, value: string | undefined, type: 'text' | 'date'): Html =>
  html`<label class="field"><span>${label}</span><input type="${type}" name="${name}" value="${value ?? ''}" maxlength="128"></label>`;

/** Whether more is set than the bar shows. */
const hasMore = ({ from, to, who, code, backend, identity }: Query): boolean =>
  [from, to, who, code, backend, identity].some((value) => value !== undefined);

/**
 * The one bar above the list: a form whose state is the address.
 * @param backends Those that have answered.
 */
export const filterBar = (query: Query, backends: readonly string[]): Html => {
  const { q, range, show, code, identity, backend, who, from, to, v } = query;
  const isFiltered = Object.values(filterOnly(query)).some((value) => value !== undefined);
  return html`<form class="filters" method="get" action="${CONVERSATIONS}" data-filters role="search">
  <label class="search">${icon('search')}<span class="sr">Words in message or answer</span><input type="search" name="q" value="${q ?? ''}" placeholder="Search messages and answers" maxlength="200" autocomplete="off" data-key="/"></label>
  ${select('range', 'Time', range, { '': 'Any time', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days', '90d': 'Last 90 days' })}
  ${select('show', 'What happened', show, { '': 'Everything', failed: 'Failed', down: 'Thumbs down', up: 'Thumbs up', unanswered: 'Unanswered', flagged: 'Flagged' })}
  <details class="more"${hasMore(query) ? html` open` : NOTHING}><summary>More</summary><div class="panel">
    ${input('who', 'Visitor', who, 'text')}
    <label class="field"><span>Identity</span>${select('identity', 'Identity', identity, { '': 'Any', user: 'On trust', verified: 'Verified', anonymous: 'Anonymous' })}</label>
    <label class="field"><span>Error</span>${select('code', 'Error code', code, { '': 'Any', ...Object.fromEntries(FAILURE_CODES.map((name) => [name, name])) })}</label>
    <label class="field"><span>Backend</span>${select('backend', 'Backend', backend, { '': 'Any', ...Object.fromEntries(backends.map((name) => [name, name])) })}</label>
    ${input('from', 'From day', from, 'date')}
    ${input('to', 'To day', to, 'date')}
  </div></details>
  ${v === undefined ? NOTHING : html`<input type="hidden" name="v" value="${v}">`}
  <button type="submit" class="button">Apply</button>
  ${isFiltered ? html`<a class="quiet" href="${href(CONVERSATIONS, {} as Query, { v })}">Clear</a>` : NOTHING}
</form>`;
};

/** Downloads of what the filter shows. */
export const exportMenu = (query: Query): Html => {
  const filter = filterOnly(query);
  const link = (format: string, label: string) => {
    const to = href('/ops/export', filter);
    return html`<a href="${to}${to.includes('?') ? '&' : '?'}format=${format}" download>${label}</a>`;
  };
  return html`<details class="menu"><summary class="button">${icon('export')}<span>Export</span></summary><div class="panel">${link('csv', 'CSV for spreadsheets')}${link('jsonl', 'JSON Lines')}${link('json', 'JSON, as in conversations.json')}</div></details>`;
};
