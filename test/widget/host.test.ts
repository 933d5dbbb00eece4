import { expect, it } from 'vitest';
import { axeFaults, describeInBrowser } from '../helpers/browser.ts';
import { startBoth } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

await describeInBrowser('our chat bubble on a page of another site', (browser) => {
  it('works under a strict Content-Security-Policy, trusted types included', async () => {
    const { service } = await startBoth({ emulator: { answer: () => '**bold**\n\n```js\n1\n```' } });
    const csp = `default-src 'none'; script-src 'self' ${service.url}; style-src 'self'; connect-src ${service.url}; require-trusted-types-for 'script'; trusted-types 'none'`;
    const site = await startHostPage({
      body: snippet(service),
      headers: { 'Content-Security-Policy': csp },
    });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello!');
    await chat.settled(1);
    // It has its looks, too.
    const { width, height } = (await chat.panel.boundingBox()) ?? {};
    expect([width, height]).toEqual([384, 640]);
    expect(errors).toEqual([]);
  });

  it('loads on a page that is isolated from all others', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({
      body: snippet(service),
      headers: {
        'Cross-Origin-Embedder-Policy': 'require-corp',
        'Cross-Origin-Opener-Policy': 'same-origin',
      },
    });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello!');
    await chat.settled(1);
    expect(errors).toEqual([]);
  });

  it('is there once, however often its script is', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({ body: snippet(service) + snippet(service) + snippet(service) });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    await chatOn(page).launcher.waitFor();
    await page.waitForLoadState('networkidle');
    expect(await page.locator('thread-proxy-chat').count()).toBe(1);
    expect(errors).toEqual([]);
  });

  it('stands beside that of another service, each with its own conversation', async () => {
    const one = await startBoth({ emulator: { answer: () => 'from one' } });
    const two = await startBoth({ emulator: { answer: () => 'from two' } });
    const site = await startHostPage({ body: snippet(one.service) + snippet(two.service) });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    for (const { service } of [one, two]) {
      const element = page.locator(`thread-proxy-chat[server="${service.url}"]`);
      await element.locator('.launcher').click();
      await element.locator('textarea').fill('Hello!');
      await element.locator('textarea').press('Enter');
      const bubble = element.locator('[data-state=done] .assistant .bubble:not(.dots)');
      await expect.poll(() => bubble.innerText()).toBe(service === one.service ? 'from one' : 'from two');
      await page.keyboard.press('Escape');
    }
    const boxes = await Promise.all(
      (await page.locator('thread-proxy-chat .launcher').all()).map((button) => button.boundingBox()),
    );
    expect(Math.abs((boxes[0]?.y ?? 0) - (boxes[1]?.y ?? 0))).toBeGreaterThanOrEqual(56);
    expect(errors).toEqual([]);
  });

  it('is untouched by what the page does to its own elements', async () => {
    const { service } = await startBoth();
    const head =
      '<style>* { color: red !important; font-size: 40px !important } button, textarea, dialog, section { display: none !important; transform: rotate(3deg) } body { direction: rtl }</style>';
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service), head }));
    const chat = chatOn(page);
    await chat.open();
    expect(await chat.input.evaluate((area) => getComputedStyle(area).fontSize)).toBe('16px');
    expect(await chat.panel.locator('.title').evaluate((title) => getComputedStyle(title).color)).toBe(
      'rgb(255, 255, 255)',
    );
  });

  it('is alive on the demo page, beside the line to copy', async () => {
    const { service } = await startBoth({ emulator: { answer: () => 'Medium, like sea salt.' } });
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, errors, foreignRequests } = await browser.newPage({ colorScheme });
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.goto(service.url);
      expect(await axeFaults(page)).toEqual([]);
      await page.getByRole('button', { name: 'Copy' }).click();
      await expect
        .poll(() => page.evaluate(() => navigator.clipboard.readText()))
        .toBe(`<script src="${new URL(page.url()).origin}/widget.js" async></script>`);
      const ask = page.getByRole('button', { name: 'Ask us about brewing' });
      await ask.click();
      const chat = chatOn(page);
      await chat.panel.getByRole('button', { name: 'How fine should I grind?' }).click();
      await chat.settled(1);
      expect(await chat.answers.last().innerText()).toBe('Medium, like sea salt.');
      // The focus goes back to what has opened the chat.
      await page.keyboard.press('Escape');
      expect(await ask.evaluate((button) => button === document.activeElement)).toBe(true);
      expect(foreignRequests([service.url])).toEqual([]);
      expect(errors).toEqual([]);
    }
  });

  it('takes no harm from what others have written into its storage', async () => {
    const { service } = await startBoth();
    const { page, errors } = await browser.newPage();
    await page.addInitScript((url) => {
      localStorage.setItem(`thread-proxy:${url}:turn-a`, '{"key":1,"state":"streaming","text":{}}');
      sessionStorage.setItem(`thread-proxy:${url}:seen`, '[null, {"key":"x"}, 7]');
    }, service.url);
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    expect(await chat.entries.count()).toBe(0);
    await chat.send('Hello!');
    await chat.settled(1);
    expect(errors).toEqual([]);
  });
});
