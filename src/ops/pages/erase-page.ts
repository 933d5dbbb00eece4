import { html } from 'hono/html';
import { type Visitor, visitorKey } from '../../chat/model.ts';
import type { Erasure } from '../erasure-port.ts';
import { CONVERSATIONS } from './filters.ts';
import { plural } from './format.ts';
import { type Html, NOTHING, who } from './parts.ts';

/** What is to be typed, so that nobody is erased by a slip. */
export const confirmation = ({ id }: Visitor): string => id;

/** Says exactly what goes, and asks for the visitor's id. */
export const erasePage = (
  visitor: Visitor,
  { exchanges, csrf, isWrong }: { exchanges: number; csrf: string; isWrong: boolean },
): Html => html`<header class="page-head"><h1>Erase a visitor</h1></header>
<form class="card danger-zone" method="post" action="/ops/visitors/erase">
<h2>${who(visitor)}</h2>
<p>This erases for good, here and at the provider:</p>
<ul><li>${plural(exchanges, 'exchange')}: messages, answers, sources, thumbs and comments</li><li>their copies in <code>conversations.json</code> and <code>archive/</code>, and in copies that somebody edited</li><li>the thread, at the provider too</li><li>the name, idempotency keys, day counts and events that wait for the webhook</li></ul>
<p>What stays: numbers without content, and one line in the audit log that says when and how many. Backups and what webhooks have received are not reached from here.</p>
<input type="hidden" name="csrf" value="${csrf}"><input type="hidden" name="v" value="${visitorKey(visitor)}">
<label class="field"><span>Type the visitor’s id to confirm: <code>${confirmation(visitor)}</code></span><input type="text" name="confirm" required autocomplete="off" spellcheck="false"${isWrong ? html` aria-invalid="true" aria-describedby="wrong"` : NOTHING}></label>
${isWrong ? html`<p class="note danger" role="alert" id="wrong">This is not the visitor’s id. Nothing was erased.</p>` : NOTHING}
<p class="actions"><button class="button danger">Erase this visitor</button><a class="button" href="${CONVERSATIONS}?v=${encodeURIComponent(visitorKey(visitor))}">Cancel</a></p>
</form>`;

/** What erasures still go on. */
export const erasureList = (erasures: readonly Erasure[]): Html =>
  erasures.length === 0
    ? html`<p class="muted">No erasure is running.</p>`
    : html`<ul class="lines">${erasures.map((erasure) => html`<li><span>${who(erasure.visitor)}<span class="count">${plural(erasure.erased, 'exchange')} erased${erasure.thread ? '; the thread at the provider is still to go' : ''}</span></span></li>`)}</ul>`;
