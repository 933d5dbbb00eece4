import { html } from 'hono/html';
import type { AuditLine, Erasure } from '../erasure-port.ts';
import type { OutboxState } from '../outbox-port.ts';
import { erasureList } from './erase-page.ts';
import { plural } from './format.ts';
import { badge, type Html, timeAgo } from './parts.ts';

/** A setting as operators see it: never the value of a secret. */
export interface ShownSetting {
  readonly name: string;
  readonly value: string;
  readonly doc: string;
  readonly isDefault: boolean;
}

export interface SettingsPage {
  readonly settings: readonly ShownSetting[];
  readonly outbox: OutboxState;
  readonly erasures: readonly Erasure[];
  readonly audit: readonly AuditLine[];
  readonly now: number;
}

const ACTIONS: Record<AuditLine['action'], string> = {
  erase_visitor: 'visitor erased',
  retention: 'old exchanges erased',
  export: 'exported',
  sign_in: 'signed in',
  thread_not_deleted: 'thread not deleted at the provider',
};

const BY: Readonly<Record<string, string>> = {
  page: 'in the browser',
  api: 'over the API',
  command: 'by a command',
  visitor: 'by the visitor',
  retention: 'by RETENTION',
};

/** How many exchanges were erased; of other actions there is nothing to count. */
const auditCount = ({ action, count }: AuditLine): string =>
  action === 'erase_visitor' || action === 'retention' ? plural(count, 'exchange') : '';

const docText = (doc: string): Html =>
  html`${doc.split('`').map((piece, n) => (n % 2 === 1 ? html`<code>${piece}</code>` : piece))}`;

export const settingsBody = ({
  settings,
  outbox,
  erasures,
  audit,
  now,
}: SettingsPage): Html => html`<header class="page-head"><h1>Settings</h1><p class="muted">Read-only: they are set in the environment or <code>.env</code>.</p></header>
<div class="cards">
<section class="card"><header><h2>Webhook</h2></header><p>${outbox.waiting === 0 ? 'Nothing is waiting.' : `${plural(outbox.waiting, 'event')} on the way.`}</p>
<ul class="lines">${outbox.troubled.map((one) => html`<li><span><code>${one.type}</code>${badge(one.givenUp ? 'given up' : `${plural(one.tries, 'try', 'tries')}`, one.givenUp ? 'danger' : 'warn')}<span class="cut">${one.reason}</span>${timeAgo(one.at, now)}</span></li>`)}</ul></section>
<section class="card"><header><h2>Erasures</h2></header>${erasureList(erasures)}</section>
<section class="card"><header><h2>Audit log</h2></header>${audit.length === 0 ? html`<p class="muted">Nothing yet.</p>` : html`<ul class="lines">${audit.map((line) => html`<li><span>${timeAgo(line.at, now)}<span>${ACTIONS[line.action]}</span><span class="muted">${BY[line.by] ?? `by ${line.by}`}${line.subject === undefined ? '' : `, ${line.subject}`}</span><span class="count">${auditCount(line)}</span></span></li>`)}</ul>`}</section>
</div>
<h2>All settings</h2>
<dl class="settings">${settings.map(({ name, value, doc, isDefault }) => html`<div><dt><code>${name}</code></dt><dd>${isDefault ? html`<span class="muted">${value}</span>` : html`<strong>${value}</strong>`}</dd><dd>${docText(doc)}</dd></div>`)}</dl>`;
