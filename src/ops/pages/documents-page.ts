import { html } from 'hono/html';
import { number, plural } from './format.ts';
import { badge, empty, type Html, NOTHING, timeAgo } from './parts.ts';

/** Where the page is, and what its forms post to. */
export const DOCUMENTS = '/ops/documents';

/** A document that the assistant may quote. */
export interface ShownDocument {
  readonly id: string;
  readonly kind: 'file' | 'upload' | 'page';
  readonly location: string;
  readonly title: string;
  readonly url?: string;
  readonly language?: string;
  readonly passages: number;
  readonly note?: string;
  readonly readAt: number;
}

/** A site or folder that is being read, or was. */
export interface ShownWork {
  readonly what: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly counts: Readonly<
    Record<'added' | 'changed' | 'unchanged' | 'removed' | 'skipped' | 'unreadable', number>
  >;
  readonly unreadable: readonly { readonly location: string; readonly reason: string }[];
  readonly failure?: string;
}

/** A passage that a question finds. */
export interface ShownPassage {
  readonly title: string;
  readonly headings: readonly string[];
  readonly text: string;
  readonly place?: string;
  readonly coverage: number;
  readonly similarity?: number;
  readonly isTold: boolean;
}

/** What became of a file that was just sent. */
export interface ShownTaken {
  readonly name: string;
  readonly result: string;
  readonly passages?: number;
  readonly reason?: string;
}

export interface DocumentsPage {
  readonly documents: readonly ShownDocument[];
  readonly work: readonly ShownWork[];
  /** What was asked of "what would it find". */
  readonly question?: string | undefined;
  readonly found?: readonly ShownPassage[] | undefined;
  readonly taken?: readonly ShownTaken[] | undefined;
  /** What the forms carry. */
  readonly csrf: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const KINDS: Record<ShownDocument['kind'], string> = { file: 'file', upload: 'upload', page: 'web page' };
const SHOWN_CHARS = 400;

const csrfField = (csrf: string): Html => html`<input type="hidden" name="csrf" value="${csrf}">`;

const short = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS).toWellFormed()}…` : line;
};

const taken = (files: readonly ShownTaken[]): Html =>
  html`<section class="card" role="status"><header><h2>What became of the files</h2></header><ul class="lines">${files.map(
    ({ name, result, passages, reason }) =>
      html`<li><span>${badge(result === 'unreadable' ? 'not read' : result, result === 'unreadable' ? 'danger' : 'ok')}<span class="cut" dir="auto">${name}</span><span class="count">${reason ?? (passages === undefined ? '' : plural(passages, 'passage'))}</span></span></li>`,
  )}</ul></section>`;

const counted = ({ counts }: ShownWork): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${number(count)} ${name === 'unreadable' ? 'not read' : name}`)
    .join(', ') || 'nothing yet';

const workLine = (work: ShownWork, now: number): Html => {
  const state =
    work.endedAt === undefined
      ? badge('being read', 'quiet')
      : work.failure === undefined
        ? badge('done', 'ok')
        : badge('failed', 'danger');
  const why =
    work.unreadable.length === 0
      ? NOTHING
      : html`<details><summary>${plural(work.unreadable.length, 'reason')}</summary><ul>${work.unreadable.map(({ location, reason }) => html`<li dir="auto">${location}: ${reason}</li>`)}</ul></details>`;
  return html`<li><span>${state}<span class="cut" dir="auto">${work.what}</span><span class="count">${work.failure ?? counted(work)}</span>${timeAgo(work.startedAt, now)}</span>${why}</li>`;
};

const finder = ({
  question,
  found,
}: DocumentsPage): Html => html`<section class="card"><header><h2>What would it find?</h2></header>
<form method="get" action="${DOCUMENTS}" role="search"><label class="field"><span>A question, as a visitor would ask it</span><input type="search" name="q" value="${question ?? ''}" maxlength="1000" required></label><p class="actions"><button class="button primary">Search</button></p></form>
${found === undefined ? NOTHING : found.length === 0 ? html`<p class="muted" role="status">Nothing was found: the assistant would be told nothing.</p>` : html`<ol class="found">${found.map(passage)}</ol>`}</section>`;

const passage = ({ title, headings, text, place, coverage, similarity, isTold }: ShownPassage): Html => {
  const scores = [
    `words ${coverage.toFixed(2)}`,
    ...(similarity === undefined ? [] : [`meaning ${similarity.toFixed(2)}`]),
  ];
  const above = headings.filter((heading) => heading !== title);
  return html`<li><p>${isTold ? badge('told', 'ok') : badge('too little', 'quiet', 'The assistant would not be told it.')} <strong dir="auto">${title}</strong> <span class="muted" dir="auto">${[...above, ...(place === undefined || above.includes(place) ? [] : [place])].join(' › ')}</span> <span class="count">${scores.join(', ')}</span></p><p class="muted" dir="auto">${short(text)}</p></li>`;
};

const adder = (csrf: string): Html => html`<section class="card"><header><h2>Add</h2></header>
<form method="post" action="${DOCUMENTS}" enctype="multipart/form-data">${csrfField(csrf)}<label class="field"><span>Files: Markdown, text, HTML, PDF, DOCX, CSV, JSON with questions and answers</span><input type="file" name="files" multiple required accept=".md,.markdown,.txt,.html,.htm,.pdf,.docx,.csv,.tsv,.json"></label><p class="actions"><button class="button primary">Upload</button></p></form>
<form method="post" action="${DOCUMENTS}/site">${csrfField(csrf)}<label class="field"><span>Your own site: its start page or sitemap</span><input type="url" name="url" required placeholder="https://www.example.org/sitemap.xml"></label><p class="actions"><button class="button">Read the site</button></p></form></section>`;

const table = ({ documents, csrf, now }: DocumentsPage): Html =>
  documents.length === 0
    ? empty(
        'No documents yet',
        'Upload files or read your site, and the assistant quotes them with their sources.',
      )
    : html`<div class="scroll" tabindex="0" role="region" aria-label="Documents"><table class="documents"><thead><tr><th scope="col">Title</th><th scope="col">Kind</th><th scope="col">Where</th><th scope="col">Language</th><th scope="col">Passages</th><th scope="col">Read</th><th scope="col"><span class="sr">Remove</span></th></tr></thead>
<tbody>${documents.map(
        ({ id, kind, location, title, url, language, passages, note, readAt }) =>
          html`<tr><th scope="row" dir="auto">${title}${note === undefined ? NOTHING : badge('in part', 'warn', note)}</th><td>${KINDS[kind]}</td><td dir="auto">${url === undefined ? location : html`<a href="${url}" rel="noreferrer">${location}</a>`}</td><td>${language ?? '–'}</td><td class="count">${number(passages)}</td><td>${timeAgo(readAt, now)}</td><td><form method="post" action="${DOCUMENTS}/remove">${csrfField(csrf)}<input type="hidden" name="id" value="${id}"><button class="button" aria-label="Remove ${title}">Remove</button></form></td></tr>`,
      )}</tbody></table></div>`;

/** The documents: what there is, what is being read, adding more, and what a question would find. */
export const documentsBody = (shown: DocumentsPage): Html => {
  const { documents, work, csrf, now } = shown;
  const passages = documents.reduce((sum, one) => sum + one.passages, 0);
  return html`<header class="page-head"><h1>Documents</h1><p class="muted">${plural(documents.length, 'document')}, ${plural(passages, 'passage')}</p>
<form method="post" action="${DOCUMENTS}/refresh">${csrfField(csrf)}<button class="button">Refresh all</button></form></header>
${shown.taken === undefined ? NOTHING : taken(shown.taken)}
<div class="cards">${finder(shown)}${adder(csrf)}${work.length === 0 ? NOTHING : html`<section class="card"><header><h2>Being read</h2></header><ul class="lines">${work.map((one) => workLine(one, now))}</ul></section>`}</div>
${table(shown)}`;
};
