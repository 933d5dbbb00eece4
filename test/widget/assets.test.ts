import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { loadAssets } from '../../src/http/widget/assets.ts';
import { bundleWidget } from '../../src/http/widget/bundle.ts';
import { startService, temporaryFolder } from '../helpers/service.ts';

const get = (url: string, headers: Record<string, string> = {}) => fetch(url, { headers });

it('the button costs at most 6 KB before the click, and all of it with a language at most 35 KB', async () => {
  const files = await bundleWidget();
  const zipped = Object.fromEntries(
    files
      .filter(({ path }) => path.endsWith('.js'))
      .map(({ path, text }) => [path, gzipSync(text, { level: 9 }).length]),
  );
  const sizeOf = (name: RegExp): number[] =>
    Object.entries(zipped).flatMap(([file, size]) => (name.test(file) ? [size] : []));
  const [button = 0] = sizeOf(/^\/widget\.js$/);
  const [panel = 0] = sizeOf(/^\/widget\/panel-/);
  const languages = sizeOf(/^\/widget\/[a-z]{2}-/);
  expect(languages).toHaveLength(11);
  expect(button).toBeGreaterThan(1_000);
  expect(button).toBeLessThanOrEqual(6 * 1024);
  expect(button + panel + Math.max(...languages)).toBeLessThanOrEqual(35 * 1024);
});

it('is built once: the next start finds what the one before has built', async () => {
  const built = await loadAssets();
  // As a process of its own sees it: what this one has loaded is forgotten.
  vi.resetModules();
  const next = await import('../../src/http/widget/assets.ts');
  const found = await next.loadAssets();
  expect(found).not.toBe(built);
  expect([...found].toSorted()).toEqual([...built].toSorted());
  const files = await bundleWidget();
  expect([...found.keys()].toSorted()).toEqual(files.map(({ path }) => path).toSorted());
});

it('names its chunks by what is in them, and the same sources give the same names', async () => {
  const [one, two] = [await bundleWidget(), await bundleWidget()];
  expect(one).toEqual(two);
  const loader = one.find(({ path }) => path === '/widget.js')?.text ?? '';
  const panel = one.find(({ path }) => path.startsWith('/widget/panel-'))?.path ?? 'none';
  expect(loader).toContain(panel.slice(1));
  for (const { path, text } of one) {
    if (path.endsWith('.js'))
      expect(text, path).not.toMatch(/\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write/);
  }
});

it('is served compressed, for five minutes with an entity tag, its chunks for a year', async () => {
  const service = await startService();
  const plain = await get(`${service.url}/widget.js`, { 'Accept-Encoding': 'identity' });
  expect(plain.status).toBe(200);
  const text = await plain.text();
  expect(Object.fromEntries(plain.headers)).toMatchObject({
    'cache-control': 'public, max-age=300',
    'content-type': 'text/javascript; charset=utf-8',
    'cross-origin-resource-policy': 'cross-origin',
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff',
    vary: 'Accept-Encoding',
  });
  const tag = plain.headers.get('etag') ?? '';
  expect(tag).toMatch(/^"[\w-]+"$/);
  const again = await get(`${service.url}/widget.js`, {
    'Accept-Encoding': 'identity',
    'If-None-Match': tag,
  });
  expect([again.status, await again.text()]).toEqual([304, '']);
  expect(again.headers.get('cache-control')).toBe('public, max-age=300');

  const chunk = /widget\/panel-[\w-]+\.js/.exec(text)?.[0] ?? 'none';
  const panel = await get(`${service.url}/${chunk}`);
  expect(panel.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect((await get(`${service.url}/widget/panel-00000000.js`)).status).toBe(404);
  expect((await get(`${service.url}/widget/..%2f..%2fpackage.json`)).status).toBe(404);
});

it.each([
  ['br', 'br, gzip', (bytes: Uint8Array) => brotliDecompressSync(bytes)],
  ['gzip', 'gzip;q=1, br;q=0', (bytes: Uint8Array) => gunzipSync(bytes)],
])('is sent as %s to who takes it', async (coding, accepted, unpack) => {
  const service = await startService();
  const plain = await (await get(`${service.url}/widget.js`, { 'Accept-Encoding': 'identity' })).text();
  // Node's fetch unpacks by itself, so this looks at the bytes as they come.
  const { request } = await import('node:http');
  const { promise, resolve } = Promise.withResolvers<{ coding: unknown; bytes: Buffer }>();
  request(`${service.url}/widget.js`, { headers: { 'Accept-Encoding': accepted } }, async (response) => {
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece);
    resolve({ coding: response.headers['content-encoding'], bytes: Buffer.concat(pieces) });
  }).end();
  const { coding: given, bytes } = await promise;
  expect(given).toBe(coding);
  expect(unpack(bytes).toString()).toBe(plain);
});

const settings = z.looseObject({ title: z.string().optional(), max_message_chars: z.number() });

it('GET /api/widget tells what the assistant file says of the bubble, and nothing else of it', async () => {
  const file = path.join(await temporaryFolder(), 'assistant.json');
  const widget = {
    title: 'Anna',
    greeting: 'Hello!',
    suggestions: ['One?', 'Two?'],
    accent: '#0a7d5a',
    theme: 'dark',
    privacy_url: 'https://example.com/privacy',
    status: null,
  };
  await writeFile(file, JSON.stringify({ instructions: 'Keep this secret.', 'x-widget': widget }));
  const service = await startService({ ASSISTANT_FILE: file, MAX_MESSAGE_CHARS: '500' });
  const response = await get(`${service.url}/api/widget`);
  expect(response.headers.get('cache-control')).toMatch(/^public, max-age=300/);
  const { status: _none, ...rest } = widget;
  expect(settings.parse(await response.json())).toEqual({ ...rest, max_message_chars: 500 });
  const tag = response.headers.get('etag') ?? '';
  expect((await get(`${service.url}/api/widget`, { 'If-None-Match': tag })).status).toBe(304);
  await writeFile(file, JSON.stringify({ instructions: 'x', name: 'Bea' }));
  await service.reloadAssistant();
  const changed = await get(`${service.url}/api/widget`, { 'If-None-Match': tag });
  expect(settings.parse(await changed.json())).toEqual({ title: 'Bea', max_message_chars: 500 });
});

it.each([
  [{ title: '' }, 'x-widget.title'],
  [{ accent: 'red; background: url(http://evil.test)' }, 'x-widget.accent: takes a CSS colour'],
  [{ suggestions: ['1', '2', '3', '4', '5'] }, 'x-widget.suggestions'],
  [{ privacy_url: 'javascript:alert(1)' }, 'x-widget.privacy_url: takes an http or https URL'],
  [{ theme: 'blue' }, 'x-widget.theme'],
])('does not start with %j', async (widget, fault) => {
  const file = path.join(await temporaryFolder(), 'assistant.json');
  await writeFile(file, JSON.stringify({ instructions: 'x', 'x-widget': widget }));
  await expect(startService({ ASSISTANT_FILE: file })).rejects.toThrow(fault);
});

it('the demo page is there, unless it is off or this is production; the SSE chat is there beside it', async () => {
  const page = async (env: Record<string, string>) => {
    const service = await startService({ OPS_TOKEN: 'x'.repeat(32), ...env });
    const response = await get(service.url);
    return { service, status: response.status, text: await response.text(), headers: response.headers };
  };
  const { service, status, text, headers } = await page({});
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8']);
  expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(text).toContain(
    `&lt;script src="<span id="origin">${service.url.replace('localhost', '127.0.0.1')}</span>/widget.js"`,
  );
  expect((await get(`${service.url}/?username=ann`)).headers.get('content-type')).toContain(
    'application/json',
  );
  expect((await page({ DEMO_PAGE: 'off' })).status).toBe(404);
  expect((await page({ NODE_ENV: 'production' })).status).toBe(404);
  expect((await page({ NODE_ENV: 'production', DEMO_PAGE: 'on' })).status).toBe(200);
  expect((await page({ PUBLIC_ORIGIN: 'https://chat.example.org' })).text).toContain(
    'https://chat.example.org',
  );
});
