import { html, raw } from 'hono/html';
import { type IconName, icon } from './icons.ts';
import type { Html } from './parts.ts';

/** Where style, script and icon are: named by their content, so that browsers may keep them. */
export interface Assets {
  readonly style: string;
  readonly script: string;
  readonly icon: string;
}

export type Section = 'overview' | 'conversations' | 'documents' | 'settings';

const SECTIONS: Record<Section, readonly [path: string, label: string, icon: IconName]> = {
  overview: ['/ops', 'Overview', 'overview'],
  conversations: ['/ops/conversations', 'Conversations', 'conversations'],
  documents: ['/ops/documents', 'Documents', 'documents'],
  settings: ['/ops/settings', 'Settings', 'settings'],
};

const SHORTCUTS = [
  ['j, k', 'next, previous conversation'],
  ['Enter', 'open it'],
  ['/', 'search'],
  ['Esc', 'back to the list'],
  ['?', 'this help'],
];

const head = (title: string, assets: Assets): Html => html`<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">
<title>${title} · thread-proxy</title>
<link rel="icon" href="${assets.icon}" type="image/svg+xml"><link rel="stylesheet" href="${assets.style}"><script src="${assets.script}" defer></script>
</head>`;

/** A page without navigation: signing in, and what cannot be shown. */
export const barePage = (title: string, body: Html, assets: Assets): Html =>
  html`${raw('<!doctype html>')}<html lang="en">${head(title, assets)}<body class="bare"><main>${body}</main></body></html>`;

export interface PageFrame {
  readonly title: string;
  readonly section: Section;
  readonly assets: Assets;
  /** What the form that signs out carries; undefined: the caller has no session. */
  readonly csrf: string | undefined;
  /** `reading`: a conversation is open, beside the list or in its place. */
  readonly mode?: 'list' | 'reading';
}

export const page = ({ title, section, assets, csrf, mode }: PageFrame, body: Html): Html =>
  html`${raw('<!doctype html>')}<html lang="en">${head(title, assets)}<body>
<a class="skip" href="#main">Skip to the content</a>
<nav class="side" aria-label="Main">
  <p class="brand">thread-proxy</p>
  <ul>${Object.entries(SECTIONS).map(([name, [path, label, glyph]]) => html`<li><a href="${path}"${name === section ? html` aria-current="page"` : raw('')}>${icon(glyph)}<span>${label}</span></a></li>`)}</ul>
  ${csrf === undefined ? raw('') : html`<form method="post" action="/ops/sign-out"><input type="hidden" name="csrf" value="${csrf}"><button class="plain">${icon('out')}<span>Sign out</span></button></form>`}
</nav>
<main id="main"${mode === 'reading' ? html` class="split reading"` : raw('')} tabindex="-1">${body}</main>
<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">Keyboard</h2><dl>${SHORTCUTS.map(([keys, does]) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${does}</dd></div>`)}</dl><form method="dialog"><button class="button">Close</button></form></dialog>
</body></html>`;
