import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../../helpers/api.ts';
import { startBoth, startService } from '../../helpers/service.ts';
import { jsonOf, newSession } from './published.ts';

/**
 * Who gets in at the routes of published chat windows. Each is called with the name `ann`, which the site has verified
 * for: by nobody in particular, with ann's token, and with the site key.
 */
type Row = readonly [nobody: number, visitor: number, site: number];

const TABLE: Record<string, { readonly row: Row; readonly body?: object }> = {
  'post /api/chat/deep-chat': {
    row: [401, 200, 200],
    body: { user_id: 'ann', messages: [{ role: 'user', text: 'Hi' }] },
  },
  // A WebSocket, without being asked for one.
  'get /api/chat/deep-chat': { row: [400, 400, 400] },
  'post /api/chat/n8n': { row: [401, 200, 200], body: { sessionId: 'ann', chatInput: 'Hi' } },
  'get /api/chat/n8n?sessionId=ann&chatInput=Hi': { row: [401, 200, 200] },
  'get /api/v1/chatflows-streaming/any': { row: [200, 200, 200] },
  'get /api/v1/public-chatbotConfig/any': { row: [200, 200, 200] },
  'post /api/v1/prediction/any': { row: [401, 200, 200], body: { chatId: 'ann', question: 'Hi' } },
  'put /api/v1/chatmessage/abort/any/ann': { row: [401, 200, 200], body: {} },
  'post /api/v1/feedback/any': { row: [404, 200, 200], body: { messageId: 'ID', rating: 'THUMBS_UP' } },
  'put /api/v1/feedback/ID': { row: [404, 200, 200], body: { content: 'Good.' } },
  'post /api/chat/ai-sdk': {
    row: [401, 200, 200],
    body: { id: 'ann', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }] },
  },
  'get /api/chat/ai-sdk/ann/stream': { row: [401, 204, 204] },
  'delete /api/chat/ai-sdk/ann/stream': { row: [401, 204, 204] },
};

const CALLERS = ['nobody', 'visitor', 'site'] as const;

const start = async () => {
  const { service } = await startBoth({ env: { SITE_KEYS: SITE_KEY } });
  const session = await callApi(service, 'POST', '/api/session', {
    bearer: SITE_KEY,
    json: { user_id: 'ann' },
  });
  const token = session.body.session_token;
  const said = await callApi(service, 'POST', '/api/chat', { bearer: token, json: { message: 'Hello!' } });
  return { service, token, exchange: String(said.body.id) };
};

const routesOf = async (service: { url: string }): Promise<string[]> => {
  const document = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
    .parse(await (await fetch(`${service.url}/openapi.json`)).json());
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
};

describe('who gets in at the routes of published chat windows', () => {
  it('is told of every such route', async () => {
    const without = new Set(await routesOf(await startService({ DIALECTS: 'none' })));
    const all = await routesOf(await startService({ DIALECTS: 'deep-chat,n8n,flowise,ai-sdk' }));
    const pattern = (route: string) => new RegExp(`^${route.replace(/\{\w+\}/g, '[^/?]+')}(\\?|$)`);
    const theirs = all.filter((route) => !without.has(route));
    const covered = theirs.map((route) => Object.keys(TABLE).filter((row) => pattern(route).test(row)));
    expect(theirs.filter((_, index) => covered[index]?.length === 0)).toEqual([]);
    expect(new Set(covered.flat())).toEqual(new Set(Object.keys(TABLE)));
  });

  it.each(
    Object.entries(TABLE).flatMap(([route, { row, body }]) =>
      CALLERS.map((who, index) => ({ route, who, status: row[index], body })),
    ),
  )('$route as $who: $status', async ({ route, who, status, body }) => {
    const { service, token, exchange } = await start();
    const [method = '', path = ''] = route.replace('ID', exchange).split(' ');
    const bearer = { nobody: undefined, visitor: token, site: SITE_KEY }[who];
    const response = await fetch(service.url + path, {
      method: method.toUpperCase(),
      headers: {
        ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body).replace('ID', exchange) } : {}),
    });
    await response.text();
    expect(response.status).toBe(status);
  });

  it('lets a session token speak for itself, whatever name the client has made beside it', async () => {
    const { service, token } = await start();
    const response = await fetch(`${service.url}/api/chat/n8n`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ sessionId: newSession(), chatInput: 'What did I say first?' }),
    });
    expect((await jsonOf(response)).output).toContain('Hello!');
  });
});
