import { expect, it } from 'vitest';
import { describeInBrowser } from '../helpers/browser.ts';
import { startChildService } from '../helpers/child-service.ts';
import { startBoth, startEmulator, startService, upstreamEnv } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';
import { startHttpProxy } from './http-proxy.ts';

const FOUR = { answer: () => 'one two three four' };

await describeInBrowser('our chat bubble on a bad network', (browser) => {
  it('goes on with a cut answer after the last word that it has, and asks the model once', async () => {
    const { service, emulator } = await startBoth({ emulator: FOUR });
    const proxy = await startHttpProxy(service);
    const { page, errors } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(proxy) }));
    const chat = chatOn(page);
    await chat.open();
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    await chat.send('Count.');
    await expect.poll(() => chat.answers.last().innerText()).toBe('one two');
    const resumed = page.waitForRequest((request) => request.url().endsWith('/events'));
    proxy.cut();
    expect((await resumed).headers()['last-event-id']).toMatch(/:[12]$/);
    hold.release();
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
    expect(emulator.calls.responses).toBe(1);
    expect(errors).toEqual([]);
  });

  it('sends a message again that was lost before it was accepted, and it is answered once', async () => {
    const { service, emulator } = await startBoth({ emulator: FOUR });
    const proxy = await startHttpProxy(service);
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(proxy) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First, for the session.');
    await chat.settled(1);
    // It arrives, but its answer does not.
    proxy.buffers = true;
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const posted = page.waitForRequest((request) => request.url().endsWith('/api/chat'));
    await chat.send('Count.');
    await posted;
    await expect.poll(() => emulator.inFlight).toBe(1);
    proxy.buffers = false;
    proxy.cut();
    hold.release();
    await chat.settled(2);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
    expect(emulator.calls.responses).toBe(2);
    expect((await service.finalLog()).anonymous).toHaveLength(2);
  });

  it('asks for JSON where a proxy holds streams back, for the same exchange', async () => {
    const { service, emulator } = await startBoth({ emulator: FOUR });
    const proxy = await startHttpProxy(service);
    proxy.buffers = true;
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(proxy) }));
    const chat = chatOn(page);
    await chat.open();
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    await chat.send('Count.');
    const chats = () => proxy.calls.filter((call) => call.startsWith('POST /api/chat '));
    await expect.poll(() => chats().length, { timeout: 12_000 }).toBe(2);
    hold.release();
    await chat.settled(1);
    expect(chats()).toEqual(['POST /api/chat text/event-stream', 'POST /api/chat application/json']);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
    expect(emulator.calls.responses).toBe(1);
    // It has learned.
    await chat.send('Again.');
    await chat.settled(2);
    expect(chats()).toHaveLength(3);
  });

  it('works on a slow network', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const proxy = await startHttpProxy(service);
    proxy.delay = 300;
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(proxy) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Count.');
    await chat.panel.locator('.dots').waitFor();
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
  });

  it('tells of a turn that a crash has cut off, and tries again', async () => {
    // An upstream that stops when its caller dies, so that the conversation is free at once.
    const emulator = await startEmulator({ ...FOUR, stopsWhenLeft: true });
    const first = await startChildService(upstreamEnv(emulator));
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(first) }));
    const chat = chatOn(page);
    await chat.open();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    await chat.send('Count.');
    await expect.poll(() => chat.answers.last().innerText()).toBe('one two');
    first.kill('SIGKILL');
    await first.ended;
    await expect.poll(() => chat.panel.locator('.status').innerText()).toBe('Reconnecting…');
    const { port } = new URL(first.url);
    await startChildService({ ...upstreamEnv(emulator), DATA_DIR: first.dir, PORT: port });
    await chat.settled(1, 'failed');
    expect(await chat.panel.locator('.line.failed').innerText()).toContain('Please try again');
    await chat.panel.getByRole('button', { name: 'Try again' }).click();
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
  });

  it('says that the visitor is offline, keeps the message, and sends it when the network is back', async () => {
    const { service, emulator } = await startBoth({ emulator: FOUR });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await page.context().setOffline(true);
    await expect.poll(() => chat.notice.innerText()).toContain('You are offline');
    await chat.send('Count.');
    await page.context().setOffline(false);
    await chat.settled(1);
    expect(await chat.notice.isVisible()).toBe(false);
    expect(emulator.calls.responses).toBe(1);
  });

  it('counts down when limited, and keeps what was written', async () => {
    const { service } = await startBoth({ emulator: FOUR, env: { RATE_LIMIT: '2/3s' } });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    // The session and the first message are two.
    await chat.send('First.');
    await chat.settled(1);
    await chat.send('Second.');
    await expect.poll(() => chat.notice.innerText()).toMatch(/^You can write again in 0:0[123]$/);
    expect(await chat.panel.locator('.composer').isVisible()).toBe(false);
    await chat.input.waitFor();
    expect(await chat.input.inputValue()).toBe('Second.');
    await chat.input.press('Enter');
    await chat.settled(2);
  });

  it('says that it is refused on a site that is not allowed', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: 'https://www.example.org' } });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello!');
    await expect.poll(() => chat.notice.innerText()).toBe('The chat is not available on this website.');
    expect(await chat.panel.locator('.composer').isVisible()).toBe(false);
  });

  it('says that a session has ended, and begins anew with the message that was not sent', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
    await page.evaluate(async (url) => {
      const key = Object.keys(localStorage).find((name) => name.endsWith(':token')) ?? '';
      const authorization = `Bearer ${localStorage.getItem(key)}`;
      await fetch(`${url}/api/session`, { method: 'DELETE', headers: { authorization } });
    }, service.url);
    await chat.send('Second.');
    await expect.poll(() => chat.notice.innerText()).toContain('This conversation has ended.');
    await chat.panel.getByRole('button', { name: 'Start a new chat' }).click();
    expect(await chat.entries.count()).toBe(0);
    expect(await chat.input.inputValue()).toBe('Second.');
    await chat.input.press('Enter');
    await chat.settled(1);
  });

  it('refreshes its token before it ends, and stays in its conversation', async () => {
    const { service } = await startBoth({ emulator: FOUR, env: { SESSION_TTL: '4s' } });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
    const refreshed = page.waitForResponse((response) => response.url().endsWith('/api/session/refresh'));
    // By its own clock: the last quarter of the token's life has begun.
    await page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() + 3_300;
    });
    await chat.send('Second.');
    expect((await refreshed).status()).toBe(200);
    await chat.settled(2);
    const log = await service.finalLog();
    expect(new Set(log.anonymous?.map(({ session }) => session)).size).toBe(1);
  });

  it('works without memory where storage is denied', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const { page, errors } = await browser.newPage();
    await page.addInitScript(() => {
      for (const name of ['localStorage', 'sessionStorage']) {
        Object.defineProperty(window, name, {
          get: () => {
            throw new DOMException('denied', 'SecurityError');
          },
        });
      }
    });
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
    await chat.send('Second.');
    await chat.settled(2);
    const log = await service.finalLog();
    expect(new Set(log.anonymous?.map(({ session }) => session)).size).toBe(1);
    expect(errors).toEqual([]);
  });

  it('works on a page without TLS, where browsers give neither locks nor a clipboard', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const { page, errors } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service), host: 'shop.test' }));
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
    await chat.panel.getByRole('button', { name: 'Copy', exact: true }).click();
    await chat.panel.getByRole('button', { name: 'Copied' }).waitFor();
    expect(errors).toEqual([]);
  });

  it('stays quiet on a page whose chat service is down, and says so when it is asked', async () => {
    const service = await startService();
    const proxy = await startHttpProxy(service);
    const { page, errors } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(proxy) }));
    const chat = chatOn(page);
    await chat.launcher.waitFor();
    await chat.open();
    proxy.isDown = true;
    await chat.send('Hello!');
    await expect.poll(() => chat.panel.locator('.status').innerText()).toBe('Reconnecting…');
    proxy.isDown = false;
    await chat.settled(1);
    expect(errors).toEqual([]);
  });
});
