import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from '../../src/service.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { csrfIn, signIn, startOps } from './helper.ts';

describe('the link of a start in a terminal', () => {
  it('signs in once, and nobody after that', async () => {
    let said = '';
    const service = await start({
      env: { PORT: '0', HOST: '127.0.0.1', DATA_DIR: await temporaryFolder(), BACKEND: 'offline' },
      terminal: { colours: false },
      log: { write: (text) => (said += text) },
    });
    onTestFinished(() => service.stop());
    const path = /\/ops\/sign-in\?once=[\w-]{20,}/.exec(said)?.[0] ?? 'no link';
    const follow = (route: string) => fetch(service.url + route, { redirect: 'manual' });
    expect((await follow('/ops/sign-in?once=guessed')).status).toBe(401);
    const first = await follow(path);
    expect(first.status).toBe(303);
    const cookie = first.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly/);
    const page = await fetch(`${service.url}/ops`, { headers: { Cookie: cookie.split(';')[0] ?? '' } });
    expect(page.status).toBe(200);
    const second = await follow(path);
    expect(second.status).toBe(401);
    expect(second.headers.get('set-cookie')).toBeNull();
    expect(await second.text()).toContain('This link was used');
  });
});

describe('the upload on the page about documents', () => {
  it('takes files of who is signed in, which the assistant then quotes', async () => {
    const { service } = await startOps();
    const headers = await signIn(service.url);
    const url = `${service.url}/ops/documents`;
    const csrf = csrfIn(await (await fetch(url, { headers })).text());
    expect(csrf).not.toBe('');
    const upload = (mark: string, more: Record<string, string> = headers) => {
      const form = new FormData();
      form.set('csrf', mark);
      form.append('files', new File(['# Returns\n\nSend parcels back to Wombat Street 7.'], 'returns.md'));
      form.append('files', new File(['not what it says'], 'broken.pdf', { type: 'application/pdf' }));
      return fetch(url, { method: 'POST', headers: more, body: form });
    };
    expect((await upload('forged')).status).toBe(403);
    expect((await upload(csrf, {})).status).toBe(401);
    const taken = await upload(csrf);
    expect(taken.status).toBe(200);
    const page = await taken.text();
    expect(page).toContain('returns.md');
    expect(page).toContain('broken.pdf');
    const found = await fetch(`${url}?q=where+do+I+send+parcels+back`, { headers });
    expect(await found.text()).toContain('Wombat Street 7');
  });
});
