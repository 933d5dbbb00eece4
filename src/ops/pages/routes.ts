import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { html } from 'hono/html';
import { z } from 'zod';
import { type Visitor, visitorOf } from '../../chat/model.ts';
import { type AppError, asAppError, bodyTooLarge, invalidRequest, notFound } from '../../errors.ts';
import { loadPageAssets } from './assets.ts';
import { conversationList } from './conversation-list.ts';
import type { OpsPagesDeps } from './deps.ts';
import { addDocumentPages } from './document-routes.ts';
import { DOCUMENTS } from './documents-page.ts';
import { confirmation, erasePage } from './erase-page.ts';
import { CONVERSATIONS, exportMenu, filterBar } from './filters.ts';
import { HEADERS } from './headers.ts';
import { barePage, type PageFrame, page } from './layout.ts';
import { overviewBody } from './overview.ts';
import { type Html, NOTHING } from './parts.ts';
import { filterOf, openVisitor, pageOf, type Query, readQuery } from './query.ts';
import { checkForm, endSession, type PagesEnv, refuseForeign, signedIn, startSession } from './session.ts';
import { settingsBody } from './settings-page.ts';
import { messagePage, signInPage } from './sign-in-page.ts';
import { addStreams } from './streams.ts';
import { thread } from './thread.ts';
import { periodOf } from './time-axis.ts';

const LIST = 50;
const THREAD = 40;
const NEWEST = 5;
const MAX_FORM_BYTES = 16 * 1024;

const signInForm = z.object({
  token: z.string().max(512).catch(''),
  next: z.string().max(2_000).catch('/ops'),
});
const eraseForm = z.object({
  v: z
    .string()
    .regex(/^[uva]:/)
    .max(300),
  confirm: z.string().max(300).catch(''),
  csrf: z.string().max(100).optional(),
});
const csrfForm = z.object({ csrf: z.string().max(100).optional() });

/** Only paths of these pages: a link must not lead an operator who signs in to another site. */
const safeNext = (path: string): string => (/^\/ops(?:[/?]|$)/.test(path) ? path : '/ops');

/** The operators' pages, under /ops. */
export const opsPages = (deps: OpsPagesDeps): Hono<PagesEnv> => {
  const { store, calendar, clock, prices } = deps;
  const { paths, files } = loadPageAssets();
  const app = new Hono<PagesEnv>();

  const respond = (c: Context, body: Html, status: 200 | 401 | AppError['status'] = 200) =>
    c.html(body, status, HEADERS);
  const search = (c: Context): URLSearchParams => new URL(c.req.url).searchParams;
  const framed = (c: Context<PagesEnv>, frame: Omit<PageFrame, 'assets' | 'csrf'>, body: Html) =>
    respond(c, page({ ...frame, assets: paths, csrf: c.get('csrf') }, body));
  const signInAgain = (c: Context) => {
    const { pathname, search: query } = new URL(c.req.url);
    return respond(c, signInPage(paths, c.req.method === 'GET' ? pathname + query : '/ops'), 401);
  };

  app.onError((thrown, c) => {
    const error = asAppError(
      thrown instanceof z.ZodError ? invalidRequest('The form is not whole.') : thrown,
    );
    if (error.code === 'internal_error') deps.logger.error({ err: error.cause }, 'an operators’ page failed');
    if (error.retryAfter !== undefined) c.header('Retry-After', String(error.retryAfter));
    return respond(c, messagePage(paths, error.message, ''), error.status);
  });

  app.get('/ops/assets/:name', (c) => {
    const file = files.get(c.req.path);
    if (!file) throw notFound();
    return c.body(file.body, 200, {
      ...HEADERS,
      'Content-Type': file.type,
      'Cache-Control': 'public, max-age=31536000, immutable',
    });
  });
  const smallForms = bodyLimit({ maxSize: MAX_FORM_BYTES, onError: () => Promise.reject(bodyTooLarge()) });
  // Files come to /ops/documents alone, and only of who is signed in.
  app.use('/ops/*', (c, next) => (c.req.path === DOCUMENTS ? next() : smallForms(c, next)));

  app.get('/ops/sign-in', (c) => {
    const secret = search(c).get('once');
    if (secret === null) return respond(c, signInPage(paths, '/ops'));
    if (!deps.signIn.useLink(secret)) {
      return respond(
        c,
        signInPage(paths, '/ops', 'This link was used, or is too old. Sign in with the token.'),
        401,
      );
    }
    startSession(c, deps);
    return c.redirect('/ops', 303);
  });
  app.post('/ops/sign-in', async (c) => {
    refuseForeign(c);
    await deps.countAttempt(c);
    const { token, next } = signInForm.parse(await c.req.parseBody());
    if (!deps.isOpsToken(token.trim())) {
      return respond(c, signInPage(paths, safeNext(next), 'This is not the ops token.'), 401);
    }
    startSession(c, deps);
    await store.audit({ at: clock.now() / 1000, by: 'page', action: 'sign_in', count: 1 });
    return c.redirect(safeNext(next), 303);
  });

  app.use('/ops', signedIn(deps, signInAgain));
  app.use('/ops/*', signedIn(deps, signInAgain));

  app.post('/ops/sign-out', async (c) => {
    checkForm(c, csrfForm.parse(await c.req.parseBody()).csrf);
    endSession(c, deps);
    return c.redirect('/ops/sign-in', 303);
  });

  app.get('/ops', async (c) => {
    const now = clock.now();
    const range = readQuery(search(c)).range ?? '30d';
    const period = periodOf(range, calendar, now);
    const from = period.edges[0] ?? 0;
    const newest = { limit: NEWEST };
    const [overview, before, budgets, thumbsDown, unanswered] = await Promise.all([
      store.overview(period.edges),
      store.overview(period.before),
      deps.budgets(),
      store.exchanges({ from, rating: 'down' }, newest),
      store.exchanges({ from, unanswered: true }, newest),
    ]);
    return framed(
      c,
      { title: 'Overview', section: 'overview' },
      overviewBody({
        ...{ range, period, overview, before: before.total, prices, budgets, now },
        thumbsDown: thumbsDown.rows,
        unanswered: unanswered.rows,
      }),
    );
  });

  /** The open conversation: its newest exchanges, or those around what was searched for. */
  const threadOf = async (visitor: Visitor, query: Query) => {
    const now = clock.now();
    const [found, exchanges] = await Promise.all([
      store.conversations({ visitor }, { limit: 1 }),
      store.exchanges({ visitor }, pageOf({ before: query.tb, after: query.ta }, THREAD)),
    ]);
    return thread(found.rows[0], exchanges, { query, prices, now });
  };

  app.get(CONVERSATIONS, async (c) => {
    const now = clock.now();
    const query = readQuery(search(c));
    const visitor = openVisitor(query);
    const [found, backends, opened] = await Promise.all([
      store.conversations(filterOf(query, calendar, now), pageOf(query, LIST)),
      store.backends(),
      visitor && threadOf(visitor, query),
    ]);
    const list = conversationList(found, query, now);
    return framed(
      c,
      { title: 'Conversations', section: 'conversations', mode: opened ? 'reading' : 'list' },
      html`<header class="page-head"><h1>Conversations</h1>${exportMenu(query)}</header>${filterBar(query, backends)}${opened ? html`<div class="beside">${list}${opened}</div>` : list}`,
    );
  });

  addDocumentPages(app, {
    ...deps,
    show: (c, body) => framed(c, { title: 'Documents', section: 'documents' }, body),
  });

  app.get('/ops/settings', async (c) => {
    const [outbox, erasures, audit] = await Promise.all([
      store.outboxState(),
      store.openErasures(),
      store.auditLog(30),
    ]);
    const body = settingsBody({ settings: deps.settings, outbox, erasures, audit, now: clock.now() });
    return framed(c, { title: 'Settings', section: 'settings' }, body);
  });

  const eraseBody = async (c: Context<PagesEnv>, visitor: Visitor, isWrong: boolean) => {
    const { rows } = await store.conversations({ visitor }, { limit: 1 });
    const exchanges = rows[0]?.exchanges ?? 0;
    return framed(
      c,
      { title: 'Erase a visitor', section: 'conversations' },
      erasePage(visitor, { exchanges, csrf: c.get('csrf') ?? '', isWrong }),
    );
  };
  app.get('/ops/visitors/erase', (c) => {
    const visitor = openVisitor(readQuery(search(c)));
    if (!visitor || visitor.id === '') throw notFound();
    return eraseBody(c, visitor, false);
  });
  app.post('/ops/visitors/erase', async (c) => {
    const { v, confirm, csrf } = eraseForm.parse(await c.req.parseBody());
    checkForm(c, csrf);
    const visitor = visitorOf(v);
    if (confirm !== confirmation(visitor)) return eraseBody(c, visitor, true);
    const { exchanges, thread: threadState } = await deps.erase(visitor, 'page');
    const rest = {
      none: 'It had no thread at the provider.',
      deleted: 'Its thread at the provider is deleted, too.',
      pending: 'Its thread at the provider could not be deleted yet; that is tried again for a day.',
    }[threadState];
    return respond(
      c,
      messagePage(
        paths,
        'The visitor is erased',
        `${exchanges.toLocaleString('en')} exchanges are gone. ${rest}`,
      ),
    );
  });

  addStreams(app, deps);

  app.all('/ops/*', (c) =>
    respond(
      c,
      barePage(
        'Nothing here',
        html`<div class="card sign-in"><h1>There is nothing here</h1><p><a href="/ops">To the overview</a></p></div>${NOTHING}`,
        paths,
      ),
      404,
    ),
  );
  return app;
};
