import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import { CONTENT_TYPES, exportAs, FORMATS } from '../export-forms.ts';
import type { OpsPagesDeps } from './deps.ts';
import { HEADERS } from './headers.ts';
import { filterOf, readQuery } from './query.ts';
import type { PagesEnv } from './session.ts';

/** Pages that may wait for news at once. */
const MAX_LIVE = 50;
const LIVE_BEAT_MS = 20_000;

/** Adds what goes on for a while: the export, and news for the pages that are open. */
export const addStreams = (app: Hono<PagesEnv>, deps: OpsPagesDeps): void => {
  const { store, calendar, clock } = deps;
  let live = 0;

  app.get('/ops/export', async (c) => {
    const format = z.enum(FORMATS).catch('csv').parse(new URL(c.req.url).searchParams.get('format'));
    const now = clock.now();
    const filter = filterOf(readQuery(new URL(c.req.url).searchParams), calendar, now);
    await store.audit({ at: now / 1000, by: 'page', action: 'export', count: 1 });
    return new Response(
      ReadableStream.from(encoded(exportAs(format, filter, { reads: store, logEntry: deps.logEntry, now }))),
      {
        headers: {
          ...HEADERS,
          'Content-Type': CONTENT_TYPES[format],
          'Content-Disposition': `attachment; filename="conversations-${calendar.dayOf(now)}.${format}"`,
        },
      },
    );
  });

  app.get('/ops/live', (c) => {
    if (live >= MAX_LIVE) return c.body(null, 503, { ...HEADERS, 'Retry-After': '60' });
    for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
    c.header('X-Accel-Buffering', 'no');
    return streamSSE(c, async (stream) => {
      live++;
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const send = (event: string): void => void stream.writeSSE({ event, data: '' }).catch(resolve);
      const unsubscribe = deps.live.subscribe(() => send('exchange'));
      const keep = deps.live.onStop(resolve);
      const beat = setInterval(() => send('beat'), LIVE_BEAT_MS);
      stream.onAbort(resolve);
      send('beat');
      await over;
      clearInterval(beat);
      unsubscribe();
      keep();
      live--;
    });
  });
};

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const piece of pieces) yield encoder.encode(piece);
}
