import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { page, startSite } from '../documents/helper.ts';
import { docxOf, pdfOf } from '../documents/make-files.ts';
import { startBoth } from '../helpers/service.ts';

const OPS_TOKEN = 'o'.repeat(40);
const SITE_KEY = 's'.repeat(40);
const startOps = () => startBoth({ env: { OPS_TOKEN, SITE_KEYS: SITE_KEY } });
const form = (
  files: Readonly<Record<string, string | Uint8Array>>,
  fields: Readonly<Record<string, string>> = {},
): FormData => {
  const data = new FormData();
  for (const [name, content] of Object.entries(files))
    data.append('files', new File([typeof content === 'string' ? content : Uint8Array.from(content)], name));
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
};
const listing = z.object({
  documents: z.array(
    z.looseObject({ id: z.string(), title: z.string(), kind: z.string(), passages: z.number() }),
  ),
  work: z.array(z.looseObject({ what: z.string(), ended_at: z.number().optional() })),
});

const apiOf = (url: string) => {
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { Authorization: `Bearer ${OPS_TOKEN}`, ...init.headers } });
  return {
    call,
    post: (body: FormData) => call('/api/ops/documents', { method: 'POST', body }),
    postJson: (body: unknown) =>
      call('/api/ops/documents', {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json' },
      }),
    list: async () => listing.parse(await (await call('/api/ops/documents')).json()),
  };
};

describe('operators', () => {
  it('upload files, see what became of them, look what would be found, and remove them', async () => {
    const { service } = await startOps();
    const api = apiOf(service.url);
    const response = await api.post(
      form({
        'returns.pdf': pdfOf([['Send it back within thirty days.']]),
        'care.docx': docxOf([
          ['Heading1', 'Care'],
          ['', 'Wash cold.'],
        ]),
        'scan.pdf': pdfOf([[]]),
      }),
    );
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      documents: [
        { name: 'returns.pdf', result: 'added', passages: 1 },
        { name: 'care.docx', result: 'added', passages: 1 },
        { name: 'scan.pdf', result: 'unreadable', reason: 'a scan: its pages are pictures without text' },
      ],
    });
    const { documents } = await api.list();
    expect(documents.map(({ title, kind }) => [title, kind])).toEqual([
      ['Care', 'upload'],
      ['returns', 'upload'],
    ]);
    const found = await (
      await api.call('/api/ops/documents/search?q=How%20many%20days%20to%20send%20it%20back')
    ).json();
    expect(found).toMatchObject({ found: [{ title: 'returns', place: 'page 1', told: true }] });
    const id = documents[0]?.id;
    expect((await api.call(`/api/ops/documents/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await api.call(`/api/ops/documents/${id}`, { method: 'DELETE' })).status).toBe(404);
    expect((await api.list()).documents).toHaveLength(1);
  });

  it('replace a file by one of the same name, and may give it a title', async () => {
    const { service } = await startOps();
    const api = apiOf(service.url);
    await api.post(form({ 'a.md': '# One\n\nText.' }));
    await api.post(form({ 'a.md': '# Two\n\nOther.' }, { title: 'The only one' }));
    expect((await api.list()).documents).toMatchObject([{ title: 'The only one', location: 'a.md' }]);
  });

  it('start the reading of a site and see how it goes', async () => {
    const { service } = await startOps();
    const api = apiOf(service.url);
    const site = await startSite((path) =>
      path === '/' ? page('start', ['/a']) : path === '/a' ? page('a') : undefined,
    );
    expect((await api.postJson({ url: site.url, max_pages: 10 })).status).toBe(202);
    await vi.waitFor(async () => expect((await api.list()).work[0]?.ended_at).toBeDefined(), {
      timeout: 20_000,
      interval: 50,
    });
    const { documents, work } = await api.list();
    expect(work).toMatchObject([{ what: site.url, counts: { added: 2, unreadable: 0 } }]);
    expect(documents).toMatchObject([{ kind: 'page' }, { kind: 'page' }]);
    expect((await api.call('/api/ops/documents/refresh', { method: 'POST' })).status).toBe(202);
    await vi.waitFor(
      async () =>
        expect((await api.list()).work[0]).toMatchObject({ what: 'refresh', counts: { unchanged: 2 } }),
      { timeout: 20_000, interval: 50 },
    );
  });

  it('are told why a site cannot be read', async () => {
    const { service } = await startOps();
    const api = apiOf(service.url);
    await api.postJson({ url: 'http://169.254.169.254/latest/' });
    await vi.waitFor(
      async () =>
        expect((await api.list()).work[0]).toMatchObject({
          failure: expect.stringContaining('private network'),
        }),
      { timeout: 10_000, interval: 50 },
    );
  });

  it.each([
    ['a form without a file', 400, () => form({}, { a: 'b' })],
    ['a form that is none', 400, () => new Blob(['x'], { type: 'multipart/form-data; boundary=x' })],
  ])('are refused %s', async (_, status, body) => {
    const { service } = await startOps();
    const response = await apiOf(service.url).call('/api/ops/documents', { method: 'POST', body: body() });
    expect(response.status).toBe(status);
  });

  it('are refused what is too large, and what is no address', async () => {
    const { service } = await startOps();
    const api = apiOf(service.url);
    expect((await api.postJson({ url: 'file:///etc/passwd' })).status).toBe(400);
    const big = await api.post(form({ 'a.txt': new Uint8Array(101 * 1024 * 1024).fill(65) }));
    expect(big.status).toBe(413);
  });
});

describe('POST /make_embedding', () => {
  it.each(['/make_embedding', '/api/make_embedding'])(
    'takes files from the site’s servers, at %s',
    async (path) => {
      const { service } = await startOps();
      const send = (headers: Record<string, string>) =>
        fetch(`${service.url}${path}`, {
          method: 'POST',
          body: form({ 'a.md': '# Shipping\n\nTen euros to Austria.', 'b.exe': 'x' }),
          headers,
        });
      expect((await send({})).status).toBe(403);
      expect((await send({ 'X-API-Key': OPS_TOKEN })).status).toBe(403);
      const response = await send({ 'X-API-Key': SITE_KEY });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        message: '1 of 2 documents were read.',
        documents: [
          { name: 'a.md', result: 'added', passages: 1 },
          { name: 'b.exe', result: 'unreadable' },
        ],
      });
      expect((await apiOf(service.url).list()).documents).toHaveLength(1);
    },
  );
});
