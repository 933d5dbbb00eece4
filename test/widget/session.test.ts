import { expect, it } from 'vitest';
import { describeInBrowser } from '../helpers/browser.ts';
import { startBoth } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

const FOUR = { answer: () => 'one two three four' };

await describeInBrowser('our chat bubble and its session', (browser) => {
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
    await page.goto(await startHostPage({ body: snippet(service), host: 'shop.test' }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello!');
    await expect.poll(() => chat.notice.innerText()).toBe('The chat is not available on this website.');
    expect(await chat.panel.locator('.composer').isVisible()).toBe(false);
  });

  it('says that a session has ended, and starts a new one with the message that was not sent', async () => {
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
    const { service } = await startBoth({ emulator: FOUR, env: { SESSION_TTL: '1h' } });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
    const refreshed = page.waitForResponse((response) => response.url().endsWith('/api/session/refresh'));
    // By its own clock: the token is in the last quarter of its life.
    await page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() + 50 * 60_000;
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

  it('shows the conversation on every page, also where its reading is limited', async () => {
    const { service } = await startBoth({ emulator: FOUR, env: { RATE_LIMIT: '3/1h' } });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
    for (let n = 0; n < 5; n++) {
      const read = page.waitForResponse((response) => response.url().includes('/api/history'));
      await page.reload();
      await chat.settled(1);
      expect((await read).status()).toBe(n < 3 ? 200 : 429);
      expect(await chat.entries.count()).toBe(1);
      expect(await chat.notice.isVisible()).toBe(false);
    }
  });

  it('shows nothing any more of what another tab has cleared', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const site = await startHostPage({ body: snippet(service) });
    const [one, two] = await browser.newTabs(2);
    if (!one || !two) throw new Error('two tabs are needed');
    await one.page.goto(site);
    const chat = chatOn(one.page);
    await chat.open();
    await chat.send('First.');
    await chat.settled(1);
    await one.page.goto('about:blank');
    await two.page.goto(site);
    await two.page.evaluate(async () => {
      await document.querySelector('thread-proxy-chat')?.clear();
    });
    await one.page.goto(site);
    await chat.panel.waitFor();
    await expect.poll(() => chat.entries.count()).toBe(0);
  });

  it('reads older messages on demand', async () => {
    const { service } = await startBoth({ emulator: FOUR });
    const { page } = await browser.newPage();
    const site = await startHostPage({ body: snippet(service) });
    const { body } = await service.post({ message: 'Message 0.' });
    const token = String(body.session_token);
    for (let n = 1; n < 25; n++) await service.post({ message: `Message ${n}.`, session_token: token });
    await page.addInitScript(
      ([key, value]) => localStorage.setItem(String(key), String(value)),
      [`thread-proxy:${service.url}:token`, token],
    );
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await expect.poll(() => chat.entries.count()).toBe(20);
    await chat.panel.getByRole('button', { name: 'Earlier messages' }).click();
    await expect.poll(() => chat.entries.count()).toBe(25);
    expect(await chat.panel.locator('.visitor .bubble').first().innerText()).toBe('Message 0.');
    expect(await chat.panel.getByRole('button', { name: 'Earlier messages' }).isVisible()).toBe(false);
  });
});
