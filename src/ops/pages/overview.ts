import { html } from 'hono/html';
import { visitorKey } from '../../chat/model.ts';
import type { BudgetWarning } from '../budget.ts';
import type { Figures, OpsExchange, Overview } from '../ops-port.ts';
import type { Prices } from '../prices.ts';
import { type Chart, figure } from './charts.ts';
import { errorHelp } from './error-help.ts';
import {
  answeredShare,
  type Change,
  costOf,
  pointChange,
  refusedOf,
  relativeChange,
  tokensOf,
} from './figures.ts';
import { CONVERSATIONS } from './filters.ts';
import { changeText, money, number, percent, plural, short, span } from './format.ts';
import { empty, type Html, NOTHING, snippet, timeAgo, who } from './parts.ts';
import { href, type Query, RANGES, type RangeName } from './query.ts';
import type { Period } from './time-axis.ts';

export interface OverviewPage {
  readonly range: RangeName;
  readonly period: Period;
  readonly overview: Overview;
  readonly before: Figures;
  readonly prices: Prices;
  readonly budgets: readonly BudgetWarning[];
  readonly thumbsDown: readonly OpsExchange[];
  readonly unanswered: readonly OpsExchange[];
  readonly now: number;
}

const RANGE_NAMES: Record<RangeName, string> = {
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
};
const NO_QUERY = {} as Query;

/** @param isGood Whether more is better; undefined: neither. */
const tile = (
  label: string,
  value: string,
  change: Change | undefined,
  isGood: boolean | undefined,
): Html => {
  const tone =
    change === undefined || change.by === 0 || isGood === undefined
      ? ''
      : change.by > 0 === isGood
        ? ' better'
        : ' worse';
  return html`<div class="tile"><dt>${label}</dt><dd><strong>${value}</strong>${change === undefined ? html`<span class="change">no earlier figures</span>` : html`<span class="change${tone}">${changeText(change)}</span>`}</dd></div>`;
};

const tiles = ({ overview: { total }, before }: OverviewPage): Html => {
  const [share, shareBefore] = [answeredShare(total), answeredShare(before)];
  const [first, firstBefore] = [total.firstWordMs?.p50, before.firstWordMs?.p50];
  return html`<dl class="tiles">
  ${tile('Messages', short(total.messages), relativeChange(total.messages, before.messages), undefined)}
  ${tile('Visitors', short(total.visitors), relativeChange(total.visitors, before.visitors), undefined)}
  ${tile('Answered', share === undefined ? '–' : percent(share), pointChange(share, shareBefore), true)}
  ${tile('To first word, median', first === undefined ? '–' : span(first), relativeChange(first ?? 0, firstBefore ?? 0), false)}
</dl>`;
};

const seriesOf = (buckets: readonly Figures[], value: (figures: Figures) => number | undefined) =>
  buckets.map(value);

const charts = ({ overview: { total, buckets }, prices }: OverviewPage): Chart[] => {
  const of = (value: (figures: Figures) => number | undefined) => seriesOf(buckets, value);
  const tokens = tokensOf(total);
  const refused = Object.entries(total.refused).toSorted(([, one], [, other]) => other - one);
  const times = (name: 'firstWordMs' | 'totalMs', title: string): Chart => ({
    title,
    form: 'lines',
    show: span,
    summary: total[name] ? `p50 ${span(total[name].p50)}, p95 ${span(total[name].p95)}` : 'nothing measured',
    series: [
      { name: 'p50', tone: 'a', values: of((figures) => figures[name]?.p50) },
      { name: 'p95', tone: 'b', values: of((figures) => figures[name]?.p95) },
    ],
  });
  return [
    {
      title: 'Messages',
      form: 'bars',
      show: short,
      summary: `${number(total.messages)}, of which ${number(total.failed)} failed`,
      series: [
        { name: 'answered', tone: 'a', values: of(({ messages, failed }) => messages - failed) },
        { name: 'failed', tone: 'bad', values: of(({ failed }) => failed) },
      ],
    },
    {
      title: 'Visitors',
      form: 'bars',
      show: short,
      summary: plural(total.visitors, 'visitor'),
      series: [{ name: 'visitors', tone: 'a', values: of(({ visitors }) => visitors) }],
    },
    times('firstWordMs', 'Time to the first word'),
    times('totalMs', 'Time to the whole answer'),
    {
      title: 'Tokens',
      form: 'bars',
      show: short,
      summary: `${short(tokens.input)} in, ${short(tokens.output)} out`,
      series: [
        { name: 'in', tone: 'a', values: of((figures) => tokensOf(figures).input) },
        { name: 'out', tone: 'b', values: of((figures) => tokensOf(figures).output) },
      ],
    },
    ...(prices.isSet
      ? [
          {
            title: 'Money',
            form: 'bars' as const,
            show: money,
            summary: `${money(costOf(total, prices))} by PRICES`,
            series: [{ name: 'spent', tone: 'a' as const, values: of((figures) => costOf(figures, prices)) }],
          },
        ]
      : []),
    {
      title: 'Limited and refused',
      form: 'bars',
      show: short,
      summary:
        refused.length === 0 ? 'none' : refused.map(([code, count]) => `${number(count)} ${code}`).join(', '),
      series: [{ name: 'refused', tone: 'bad', values: of(refusedOf) }],
    },
    {
      title: 'Thumbs',
      form: 'bars',
      show: short,
      summary: `${number(total.up)} up, ${number(total.down)} down`,
      series: [
        { name: 'up', tone: 'a', values: of(({ up }) => up) },
        { name: 'down', tone: 'bad', values: of(({ down }) => down) },
      ],
    },
  ];
};

const card = (title: string, more: Html, rows: readonly Html[], none: string): Html =>
  html`<section class="card"><header><h2>${title}</h2>${more}</header>${rows.length === 0 ? html`<p class="muted">${none}</p>` : html`<ul class="lines">${rows}</ul>`}</section>`;

const seeAll = (to: string, what: string): Html =>
  html`<a class="quiet" href="${to}">All<span class="sr"> ${what}</span></a>`;

const lists = ({
  overview: { failures, busiest },
  thumbsDown,
  unanswered,
  range,
  now,
}: OverviewPage): Html => {
  const to = (changes: Partial<Query>) => href(CONVERSATIONS, NO_QUERY, { range, ...changes });
  const quoted = (text: string, { visitor, name, timestamp }: OpsExchange, changes: Partial<Query>) =>
    html`<li><a href="${to({ ...changes, v: visitorKey(visitor) })}"><span class="cut" dir="auto">${text}</span>${who(visitor, name)}${timeAgo(timestamp, now)}</a></li>`;
  return html`<div class="cards">
  ${card(
    'Failures',
    seeAll(to({ show: 'failed' }), 'failures'),
    failures
      .slice(0, 6)
      .map(
        ({ code, count }) =>
          html`<li><a href="${to({ code })}" title="${errorHelp(code).means}"><code>${code}</code><span class="count">${number(count)}</span></a></li>`,
      ),
    'No failures.',
  )}
  ${card(
    'Busiest visitors',
    NOTHING,
    busiest
      .slice(0, 6)
      .map(
        ({ visitor, name, messages, tokens }) =>
          html`<li><a href="${to({ v: visitorKey(visitor) })}">${who(visitor, name)}<span class="count" title="${number(tokens)} tokens">${plural(messages, 'message')}</span></a></li>`,
      ),
    'No messages.',
  )}
  ${card(
    'Newest thumbs down',
    seeAll(to({ show: 'down' }), 'thumbs down'),
    thumbsDown.map((one) =>
      quoted(one.feedback?.comment ?? snippet(one.bot ?? one.user, []), one, { show: 'down' }),
    ),
    'No thumbs down.',
  )}
  ${card(
    'Questions without an answer',
    seeAll(to({ show: 'unanswered' }), 'questions without an answer'),
    unanswered.map((one) => quoted(snippet(one.user, []), one, { show: 'unanswered' })),
    'Every question got an answer.',
  )}
</div>`;
};

const budgetNotes = (budgets: readonly BudgetWarning[]): Html => {
  const near = budgets.filter(({ used, limit }) => used >= 0.8 * limit);
  return near.length === 0
    ? NOTHING
    : html`<div class="note warn" role="status">${near.map(({ budget, used, limit }) => html`<p><strong>${budget}</strong>: ${number(used)} of ${number(limit)} used today${used >= limit ? '. Visitors are refused until tomorrow.' : '.'}</p>`)}</div>`;
};

export const overviewBody = (page: OverviewPage): Html => {
  const { range, period, overview, budgets } = page;
  return html`<header class="page-head"><h1>Overview</h1><nav class="segments" aria-label="Range">${Object.keys(
    RANGES,
  ).map((name) => {
    const known = name as RangeName;
    return html`<a href="/ops?range=${known}"${known === range ? html` aria-current="page"` : NOTHING}>${RANGE_NAMES[known]}</a>`;
  })}</nav></header>
${budgetNotes(budgets)}
<div id="overview" data-live="slow">
${tiles(page)}
${
  overview.total.messages === 0 && Object.keys(overview.total.refused).length === 0
    ? empty(
        'Nothing happened in this time',
        html`Messages show up here as they come. <a href="${CONVERSATIONS}">All conversations</a>`,
      )
    : html`<div class="charts">${charts(page).map((chart) => figure(chart, period))}</div>${lists(page)}`
}
</div>`;
};
