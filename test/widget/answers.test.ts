import { expect, it } from 'vitest';
import { axeFaults, describeInBrowser } from '../helpers/browser.ts';
import { startBoth } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

await describeInBrowser('answers in our chat bubble', (browser) => {
  it('marks the button when an answer comes while the panel is closed', async () => {
    const { service, emulator } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    await chat.send('Hello!');
    await expect.poll(() => emulator.inFlight).toBe(1);
    await page.keyboard.press('Escape');
    await chat.panel.waitFor({ state: 'hidden' });
    hold.release();
    await page.locator('thread-proxy-chat .dot').waitFor();
    expect(await chat.launcher.getAttribute('aria-label')).toBe('Open chat (New message)');
    await chat.open();
    expect(await page.locator('thread-proxy-chat .dot').isVisible()).toBe(false);
  });

  it('leaves the visitor alone who has scrolled up, and offers the way back', async () => {
    const long = Array.from({ length: 60 }, (_, n) => `Line ${n}.`).join('\n\n');
    const { service, emulator } = await startBoth({ emulator: { answer: () => long } });
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 80 } });
    await chat.send('Tell me.');
    const list = chat.panel.locator('.list');
    const fromEnd = () => list.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
    await expect.poll(() => list.evaluate((box) => box.scrollHeight > 1_000)).toBe(true);
    // While it streams, the newest words are in sight.
    await expect.poll(fromEnd).toBeLessThan(2);
    await list.evaluate((box) => {
      box.scrollTop = 40;
    });
    await expect.poll(fromEnd).toBeGreaterThan(500);
    hold.release();
    await chat.settled(1);
    expect(await list.evaluate((box) => box.scrollTop)).toBe(40);
    await chat.panel.locator('.jump').click();
    await expect.poll(fromEnd).toBeLessThan(2);
  });

  it('copies an answer, its code, and the whole conversation', async () => {
    const { service } = await startBoth({
      emulator: { answer: () => 'Look:\n\n```js\nlet a = 1;\n```\n\nDone.' },
    });
    const site = await startHostPage({ body: snippet(service, 'data-title="Ann"') });
    const { page } = await browser.newPage();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello!');
    await chat.settled(1);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await chat.panel.getByRole('button', { name: 'Copy code' }).click();
    await expect.poll(copied).toBe('let a = 1;');
    await chat.panel.getByRole('button', { name: 'Copy', exact: true }).click();
    await expect.poll(copied).toBe('Look:\n\n```js\nlet a = 1;\n```\n\nDone.');
    await chat.panel.getByRole('button', { name: 'Menu' }).click();
    await chat.panel.getByRole('menuitem', { name: 'Copy conversation' }).click();
    await expect.poll(copied).toMatch(/^You: Hello!\n\nAnn: Look:/);
  });

  it('tells the service what the visitor thinks of an answer, with what could be better', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello!');
    await chat.settled(1);
    const bad = chat.panel.getByRole('button', { name: 'Bad answer' });
    await page.context().setOffline(true);
    await bad.click();
    await expect
      .poll(() => chat.panel.locator('.actions').innerText())
      .toBe('Your feedback could not be sent');
    expect(await bad.getAttribute('aria-pressed')).toBe('false');
    await page.context().setOffline(false);
    await bad.click();
    await chat.panel.getByLabel('What could be better? (optional)').fill('Shorter.');
    expect(await axeFaults(page, { only: 'thread-proxy-chat' })).toEqual([]);
    await chat.panel.getByRole('button', { name: 'Send feedback' }).click();
    await expect.poll(() => chat.panel.locator('.actions').innerText()).toBe('Thank you');
    await page.reload();
    await chat.settled(1);
    await expect.poll(() => bad.getAttribute('aria-pressed')).toBe('true');
    const good = chat.panel.getByRole('button', { name: 'Good answer' });
    await good.click();
    await expect.poll(() => chat.panel.locator('.actions').innerText()).toBe('Thank you');
    expect(await bad.getAttribute('aria-pressed')).toBe('false');
    // Once more takes it back.
    await good.click();
    await expect.poll(() => good.getAttribute('aria-pressed')).toBe('false');
    await bad.click();
    await chat.panel.getByLabel('What could be better? (optional)').waitFor();
    const log = await service.finalLog();
    expect(log.anonymous?.[0]).toMatchObject({ feedback: { rating: 'down' } });
  });

  it('lists the documents that an answer quotes, and links its marks to them', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    const id = '5f0c8b1e-7a53-4c1e-9d1a-2f6f4d6f1a10';
    const answer = 'Three days [1], thirty to return [2], see [3].';
    const sources = [
      { n: 1, title: 'Shipping', url: 'https://example.com/shipping', place: 'page 2' },
      { n: 2, title: 'Returns\u202e', url: 'javascript:hacked=1' },
    ];
    await page.route('**/api/chat', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({
            headers: { 'Access-Control-Allow-Origin': '*', 'Content-Type': 'text/event-stream' },
            body: [
              ['accepted', { id }],
              ['delta', { text: answer }],
              ['done', { answer, id, sources }],
            ]
              .map(([name, data], n) => `event: ${name}\nid: ${id}:${n}\ndata: ${JSON.stringify(data)}\n\n`)
              .join(''),
          })
        : route.continue(),
    );
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('How long?');
    await chat.settled(1);
    expect(await chat.panel.locator('.source').allInnerTexts()).toEqual([
      '1\nShipping\npage 2\n(opens in a new tab)',
      '2\nReturns',
    ]);
    const links = chat.panel.locator('.assistant a[href]');
    expect(
      await links.evaluateAll((all) => all.map((link) => [link.textContent, link.getAttribute('href')])),
    ).toEqual([
      ['[1]', 'https://example.com/shipping'],
      ['1Shippingpage 2 (opens in a new tab)', 'https://example.com/shipping'],
    ]);
    expect(await chat.answers.innerText()).toBe(answer);
    expect(await axeFaults(page, { only: 'thread-proxy-chat' })).toEqual([]);
  });
});
