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
    // It arrives, but nothing of its answer does. (Cut before the headers, Chromium itself would send it again.)
    proxy.isMute = true;
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const begun = page.waitForResponse((response) => response.url().endsWith('/api/chat'));
    await chat.send('Count.');
    await begun;
    await expect.poll(() => emulator.inFlight).toBe(1);
    proxy.isMute = false;
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

  it('opens after an update of the service, of whose chunks its button knows nothing', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const { page } = await browser.newPage();
    await page.route('**/widget/panel-*.js', (route) => route.fulfill({ status: 404 }));
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
  });

  it('asks once whether it may call, not before every message', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const proxy = await startHttpProxy(service);
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(proxy) }));
    const chat = chatOn(page);
    await chat.open();
    for (const n of [1, 2, 3]) {
      await chat.send(`Message ${n}.`);
      await chat.settled(n);
    }
    const calls = proxy.calls.map((call) => call.split(' ').slice(0, 2).join(' '));
    expect(calls.filter((call) => call === 'POST /api/chat')).toHaveLength(3);
    expect(calls.filter((call) => call === 'OPTIONS /api/chat')).toHaveLength(1);
  });
});
