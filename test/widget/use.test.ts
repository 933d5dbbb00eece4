import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { axeFaults, describeInBrowser } from '../helpers/browser.ts';
import { startBoth } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

const RICH =
  'A [link](https://example.com/a), **bold** and `code`.\n\n# Title\n\n> quote\n\n1. one\n2. two\n\n```js\nlet aVeryLongName = "that does not fit into the panel, so that it scrolls";\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |';

const faultsOf = (page: Page) => axeFaults(page, { only: 'thread-proxy-chat' });

await describeInBrowser('how our chat bubble is used', (browser) => {
  it('is used by keyboard alone, and gives the focus back', async () => {
    const { service } = await startBoth();
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.launcher.waitFor();
    await page.locator('#other').focus();
    await page.keyboard.press('Tab');
    expect(await chat.launcher.evaluate((button) => button.matches(':focus-visible'))).toBe(true);
    await page.keyboard.press('Enter');
    await expect.poll(() => chat.input.evaluate((area) => area.matches(':focus'))).toBe(true);
    const dialog = page.getByRole('dialog', { name: 'Assistant' });
    expect(await dialog.count()).toBe(1);
    await page.keyboard.type('Hello!');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('Second line.');
    await page.keyboard.press('Enter');
    await chat.settled(1);
    expect(await chat.panel.locator('.visitor .bubble').innerText()).toBe('Hello!\nSecond line.');
    // Through the answer's buttons back to the menu, and out of it.
    await page.keyboard.press('Shift+Tab');
    expect(
      await chat.panel
        .locator('.thumb')
        .last()
        .evaluate((button) => button.matches(':focus')),
    ).toBe(true);
    await chat.panel.getByRole('button', { name: 'Menu' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    expect(
      await chat.panel.getByRole('menuitem', { name: 'Copy' }).evaluate((item) => item.matches(':focus')),
    ).toBe(true);
    await page.keyboard.press('Escape');
    expect(await chat.panel.isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await chat.panel.isVisible()).toBe(false);
    expect(await chat.launcher.evaluate((button) => button.matches(':focus'))).toBe(true);
  });

  it('speaks whole answers to screen readers, and no single word', async () => {
    const { service } = await startBoth({ emulator: { pace: 10, answer: () => 'one two three four' } });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await page.evaluate(() => {
      const region = document
        .querySelector('thread-proxy-chat')
        ?.shadowRoot?.querySelector('[aria-live=polite]');
      const spoken: string[] = [];
      Reflect.set(window, 'spoken', spoken);
      new MutationObserver(() => spoken.push(region?.textContent ?? '')).observe(region ?? document.body, {
        childList: true,
      });
    });
    await chat.send('Count.');
    await chat.settled(1);
    expect(await page.evaluate(() => Reflect.get(window, 'spoken'))).toEqual([
      'Assistant is typing',
      'Assistant: one two three four',
    ]);
    expect(await chat.panel.locator('[role=log]').getAttribute('aria-live')).toBe('off');
  });

  it('takes the whole screen of a phone, with an input that iOS does not zoom into', async () => {
    const { service } = await startBoth();
    const { page } = await browser.newPage({ width: 390, height: 844, isPhone: true });
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.launcher.tap();
    await chat.panel.waitFor();
    expect(await chat.panel.boundingBox()).toEqual({ x: 0, y: 0, width: 390, height: 844 });
    // No keyboard jumps up over the greeting.
    expect(await chat.input.evaluate((area) => area.matches(':focus'))).toBe(false);
    expect(await chat.input.evaluate((area) => Number.parseFloat(getComputedStyle(area).fontSize))).toBe(16);
    // Everything else is out of reach.
    expect(
      await page
        .locator('#other')
        .evaluate((button) => button.matches(':focus') || button === document.activeElement),
    ).toBe(false);
    await chat.send('Hello!');
    await chat.settled(1);
    // What is under an answer needs no hovering.
    expect(await chat.panel.locator('.actions').evaluate((row) => getComputedStyle(row).opacity)).toBe('1');
    expect(await faultsOf(page)).toEqual([]);
    // An on-screen keyboard takes the lower half.
    await page.evaluate(() => {
      const seen = window.visualViewport;
      Object.defineProperty(seen, 'height', { value: 400, configurable: true });
      seen?.dispatchEvent(new Event('resize'));
    });
    const input = await chat.input.boundingBox();
    expect((input?.y ?? 0) + (input?.height ?? 0)).toBeLessThan(400);
    await chat.panel.getByRole('button', { name: 'Close chat' }).tap();
    expect(await chat.panel.isVisible()).toBe(false);
  });

  it('leaves the page beside it alive on a large screen', async () => {
    const { service } = await startBoth();
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    await chatOn(page).open();
    await page.evaluate(() => {
      document.querySelector('#other')?.addEventListener('click', () => Reflect.set(window, 'bought', true));
    });
    await page.locator('#other').click();
    expect(await page.evaluate(() => Reflect.get(window, 'bought'))).toBe(true);
    expect(await chatOn(page).panel.isVisible()).toBe(true);
  });

  it.each([
    [1280, 800, 2],
    [1024, 768, 2],
    [1280, 800, 4],
    [320, 568, 1],
  ])('fits a window of %i by %i at a zoom of %i', async (width, height, zoom) => {
    const { service } = await startBoth({ emulator: { answer: () => RICH } });
    const { page } = await browser.newPage({ width, height, zoom });
    await page.goto(await startHostPage({ body: snippet(service, 'data-suggestions="One?|Two?"') }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Tell me.');
    await chat.settled(1);
    const view = page.viewportSize() ?? { width: 0, height: 0 };
    for (const part of ['.header', '.list', '.composer', '.send']) {
      const box = await chat.panel.locator(part).boundingBox();
      expect(box && box.x >= 0 && box.y >= 0, part).toBe(true);
      expect((box?.x ?? 0) + (box?.width ?? 0), part).toBeLessThanOrEqual(view.width);
      expect((box?.y ?? 0) + (box?.height ?? 0), part).toBeLessThanOrEqual(view.height);
    }
    expect((await chat.panel.locator('.list').boundingBox())?.height).toBeGreaterThan(60);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(await faultsOf(page)).toEqual([]);
  });

  it('moves nothing for who wants no motion', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const animationsWith = async (reducedMotion: 'reduce' | 'no-preference') => {
      const { page } = await browser.newPage({ reducedMotion });
      await page.goto(site);
      const chat = chatOn(page);
      await chat.open();
      return chat.panel.evaluate((panel) => getComputedStyle(panel).animationName);
    };
    expect(await animationsWith('no-preference')).toBe('rise');
    expect(await animationsWith('reduce')).toBe('none');
  });

  it('speaks the language of the page, from the right where that is so, and each message in its own direction', async () => {
    const { service } = await startBoth({ emulator: { answer: () => 'مرحبا\n\n```js\nlet a = 1;\n```' } });
    const { page } = await browser.newPage({ locale: 'de-DE' });
    await page.goto(await startHostPage({ body: snippet(service), lang: 'ar' }));
    const chat = chatOn(page);
    await chat.launcher.waitFor();
    expect(await chat.launcher.getAttribute('aria-label')).toBe('افتح المحادثة');
    const button = await chat.launcher.boundingBox();
    expect(button?.x).toBe(20);
    await chat.open();
    await chat.send('Hello in English');
    await chat.settled(1);
    const directionOf = (selector: string) =>
      chat.panel
        .locator(selector)
        .last()
        .evaluate((element) => getComputedStyle(element).direction);
    expect(await directionOf('.visitor .bubble')).toBe('ltr');
    expect(await directionOf('.assistant .bubble:not(.dots)')).toBe('rtl');
    expect(await directionOf('pre')).toBe('ltr');
    expect(await faultsOf(page)).toEqual([]);
  });

  it('takes the attribute before the page, and the page before the browser', async () => {
    const { service } = await startBoth();
    const placeholderOn = async (pageLang: string, attribute: string) => {
      const { page } = await browser.newPage({ locale: 'fr-FR' });
      await page.goto(await startHostPage({ body: snippet(service, attribute), lang: pageLang }));
      await chatOn(page).open();
      return chatOn(page).input.getAttribute('placeholder');
    };
    expect(await placeholderOn('de-AT', 'data-lang="ja"')).toBe('メッセージを入力…');
    expect(await placeholderOn('de-AT', '')).toBe('Nachricht schreiben…');
    expect(await placeholderOn('', '')).toBe('Écrire un message…');
    expect(await placeholderOn('xx', 'data-lang="tlh"')).toBe('Écrire un message…');
  });
});
