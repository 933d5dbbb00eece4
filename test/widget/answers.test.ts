import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { axeFaults, describeInBrowser } from '../helpers/browser.ts';
import { startBoth, temporaryFolder } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

await describeInBrowser('answers in our chat bubble', (browser) => {
  /** An answer of many lines that is held after its first ones, longer than the panel already. */
  const longAnswer = async () => {
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
    return { chat, hold, list, fromEnd };
  };

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

  it('goes on following when the list grows before the browser tells of its own scrolling', async () => {
    const { chat, hold, list, fromEnd } = await longAnswer();
    await expect.poll(fromEnd).toBeLessThan(2);
    await list.evaluate(async (box) => {
      const scrolled = () =>
        new Promise((resolve) => box.addEventListener('scroll', resolve, { once: true }));
      // Close to the end, where it still follows.
      box.scrollTop -= 20;
      await scrolled();
      box.scrollTop = box.scrollHeight;
      const more = document.createElement('div');
      more.style.height = '200px';
      box.append(more);
      await scrolled();
    });
    hold.release();
    await chat.settled(1);
    await expect.poll(fromEnd).toBeLessThan(2);
  });

  it('leaves the visitor alone who has scrolled up, and offers the way back', async () => {
    const { chat, hold, list, fromEnd } = await longAnswer();
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

  it('takes underscores within words for what they are, however the answer is cut', async () => {
    const answer =
      'Set OPENAI_API_KEY and snake_case_name, _this_ is meant, `code_with_one` and https://example.org/a_b_c too.';
    const { service } = await startBoth({ emulator: { answer: () => answer, pace: 1 } });
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('How?');
    await chat.settled(1);
    const said = chat.panel.locator('.list');
    expect(await said.locator('em').allTextContents()).toEqual(['this']);
    expect(await said.innerText()).toContain('Set OPENAI_API_KEY and snake_case_name, this is meant');
    expect(await said.locator('code').allTextContents()).toEqual(['code_with_one']);
    expect(await said.locator('a[href]').getAttribute('href')).toBe('https://example.org/a_b_c');
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

  it('lists the documents that an answer quotes, and links its marks to them, also after a reload', async () => {
    const documents = path.join(await temporaryFolder(), 'documents');
    await mkdir(documents);
    const shipping =
      '---\nurl: https://shop.example/shipping\n---\n# Shipping\n\nA parcel to Austria takes three days.';
    await writeFile(path.join(documents, 'shipping.md'), shipping);
    const { service } = await startBoth({
      emulator: { answer: () => 'It takes three days [1].' },
      env: { DOCUMENTS_DIR: documents },
    });
    const isRead = () => service.lines.some(({ msg }) => msg === 'the folder of documents was read');
    await expect.poll(isRead, { timeout: 20_000 }).toBe(true);
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('How long does a parcel to Austria take?');
    for (const moment of ['at once', 'after a reload']) {
      if (moment === 'after a reload') await page.reload();
      await chat.settled(1);
      const links = chat.panel.locator('.assistant a[href]');
      const found = await links.evaluateAll((all) =>
        all.map((link) => [link.textContent, link.getAttribute('href'), link.getAttribute('title')]),
      );
      expect(found, moment).toEqual([
        ['[1]', 'https://shop.example/shipping', 'Shipping'],
        ['1Shipping (opens in a new tab)', 'https://shop.example/shipping', 'https://shop.example/shipping'],
      ]);
      expect(await chat.answers.innerText()).toBe('It takes three days [1].');
    }
    expect(await axeFaults(page, { only: 'thread-proxy-chat' })).toEqual([]);
    // A tab that has not seen the answer reads it from the history.
    const other = await page.context().newPage();
    await other.goto(site);
    await chatOn(other).open();
    await expect.poll(() => chatOn(other).panel.locator('a.source').count()).toBe(1);
  });
});
