import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { axeFaults, describeInBrowser } from '../helpers/browser.ts';
import { startBoth, startService } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

const RICH =
  'A [link](https://example.com/a), **bold** and `code`.\n\n# Title\n\n> quote\n\n1. one\n2. two\n\n```js\nlet aVeryLongName = "that does not fit into the panel, so that it scrolls";\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |';

const faultsOf = (page: Page) => axeFaults(page, { only: 'thread-proxy-chat' });

await describeInBrowser('our chat bubble in every state', (browser) => {
  it.each(['light', 'dark'] as const)('passes axe-core in every state, %s', async (colorScheme) => {
    const { service, emulator } = await startBoth({
      emulator: { answer: () => RICH, stopsWhenLeft: true },
      env: { RATE_LIMIT: '5/1h', MAX_MESSAGE_CHARS: '100' },
    });
    const attributes = 'data-suggestions="One?|Two?" data-privacy-url="https://example.com/privacy"';
    const { page } = await browser.newPage({ colorScheme });
    await page.goto(await startHostPage({ body: snippet(service, attributes) }));
    const chat = chatOn(page);
    const faults: Record<string, string[]> = {};
    const look = async (state: string) => {
      faults[state] = await faultsOf(page);
    };
    await chat.launcher.waitFor();
    await look('closed');
    await chat.open();
    await look('empty');
    await chat.panel.getByRole('button', { name: 'Menu' }).click();
    await look('menu');
    await page.keyboard.press('Escape');
    await chat.input.fill('x'.repeat(101));
    await look('too long');
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 3 } });
    await chat.send('Tell me.');
    await chat.panel.locator('.dots').waitFor();
    await look('waiting');
    await expect.poll(() => chat.answers.last().innerText()).toContain('link');
    await look('streaming');
    hold.release();
    await chat.settled(1);
    await look('answer');
    // What is out of sight is not looked at.
    await chat.panel.locator('.list').evaluate((list) => list.scrollTo(0, 0));
    await look('answer, from its start');
    const fault = emulator.fail({ on: 'responses', times: 9, fault: { kind: 'status', status: 400 } });
    await chat.send('Fail.');
    await chat.settled(2, 'failed');
    fault.remove();
    await look('failed');
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 3 } });
    await chat.send('Stop.');
    await expect.poll(() => chat.answers.last().innerText()).toContain('link');
    await chat.panel.locator('.send').click();
    await chat.settled(3, 'stopped');
    await look('stopped');
    await chat.panel.getByRole('button', { name: 'Menu' }).click();
    await chat.panel.getByRole('menuitem', { name: 'New chat' }).click();
    await look('asks whether to clear');
    await page.keyboard.press('Escape');
    await page.context().setOffline(true);
    await chat.notice.waitFor();
    await look('offline');
    await page.context().setOffline(false);
    await chat.notice.waitFor({ state: 'hidden' });
    await chat.send('Fifth.');
    await chat.settled(4);
    await chat.send('Too many.');
    await chat.notice.waitFor();
    await look('limited');
    expect(Object.keys(faults)).toHaveLength(13);
    expect(Object.entries(faults).filter(([, found]) => found.length > 0)).toEqual([]);
  });

  it('passes axe-core where the visitor is refused, and where a session has ended', async () => {
    const service = await startService({ ALLOWED_ORIGINS: 'https://www.example.org' });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service), host: 'shop.test' }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello!');
    await chat.notice.waitFor();
    expect(await faultsOf(page)).toEqual([]);

    const open = await startService();
    const other = await browser.newPage();
    const site = await startHostPage({ body: snippet(open) });
    await other.page.addInitScript((url) => {
      localStorage.setItem(`thread-proxy:${url}:token`, 'a.token.thatisnone');
    }, open.url);
    await other.page.goto(site);
    await chatOn(other.page).open();
    await expect.poll(() => chatOn(other.page).notice.innerText()).toContain('This conversation has ended.');
    expect(await faultsOf(other.page)).toEqual([]);
  });

  it('keeps its text readable on any accent', async () => {
    const { service } = await startBoth({
      // Short, so that all of it is in sight: axe-core looks at nothing else.
      emulator: { answer: () => 'A [link](https://example.com/a), **bold** and `code`.' },
    });
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Tell me.');
    await chat.settled(1);
    const faults: string[] = [];
    for (const accent of [
      '#ffffff',
      '#ffe600',
      '#777',
      'rebeccapurple',
      'hsl(0 100% 50%)',
      '#000',
      'no-colour',
    ]) {
      for (const theme of ['light', 'dark']) {
        await page.evaluate(
          ([color, shade]) => {
            const element = document.querySelector('thread-proxy-chat');
            element?.setAttribute('accent', color ?? '');
            element?.setAttribute('theme', shade ?? '');
          },
          [accent, theme],
        );
        const found = await axeFaults(page, { only: 'thread-proxy-chat', rules: ['color-contrast'] });
        faults.push(...found.map((fault) => `${accent}, ${theme}: ${fault}`));
      }
    }
    expect(faults).toEqual([]);
  });
});
