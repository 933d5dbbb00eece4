import { html } from 'hono/html';
import { type Assets, barePage } from './layout.ts';
import { type Html, NOTHING } from './parts.ts';

/** @param next Where to go on: a path of ours. @param wrong What went wrong at the try before. */
export const signInPage = (assets: Assets, next: string, wrong?: string): Html =>
  barePage(
    'Sign in',
    html`<form class="card sign-in" method="post" action="/ops/sign-in">
<h1>Operators</h1><p class="muted">Sign in with the ops token: <code>OPS_TOKEN</code>, or the file <code>ops-token</code> in <code>DATA_DIR</code>.</p>
${wrong === undefined ? NOTHING : html`<p class="note danger" role="alert" id="wrong">${wrong}</p>`}
<input type="hidden" name="next" value="${next}"><input class="sr" type="text" name="username" value="operator" autocomplete="username" tabindex="-1" aria-hidden="true" readonly>
<label class="field"><span>Ops token</span><input type="password" name="token" required autocomplete="current-password" autofocus maxlength="512"${wrong === undefined ? NOTHING : html` aria-describedby="wrong" aria-invalid="true"`}></label>
<button class="button primary">Sign in</button></form>`,
    assets,
  );

export const messagePage = (assets: Assets, title: string, text: Html | string): Html =>
  barePage(
    title,
    html`<div class="card sign-in"><h1>${title}</h1><p>${text}</p><p><a href="/ops">Back to the overview</a></p></div>`,
    assets,
  );
