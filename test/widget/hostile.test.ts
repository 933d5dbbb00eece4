import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { HOSTILE_TEXTS } from '../fixtures/hostile-texts.ts';
import { describeInBrowser } from '../helpers/browser.ts';
import { startBoth, temporaryFolder } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

/** What an answer may be made of. */
const ALLOWED =
  'div p br hr blockquote em strong s code pre ul ol li a span table thead tbody tr th td input button svg path'.split(
    ' ',
  );
const ATTRIBUTES =
  'class href target rel title role aria-level aria-label aria-hidden tabindex dir scope start type disabled checked viewbox width height fill stroke stroke-width stroke-linecap stroke-linejoin d'.split(
    ' ',
  );

await describeInBrowser('hostile answers', (browser) => {
  it('are at least sixty', () => expect(HOSTILE_TEXTS.length).toBeGreaterThanOrEqual(60));

  it('run nothing, load nothing, and are made of text and a few harmless elements', async () => {
    const { service } = await startBoth({
      // The number of the text is the message.
      emulator: { answer: ({ message }) => HOSTILE_TEXTS[Number(message)] ?? '' },
      env: { MAX_ANSWER_TOKENS: '100000' },
    });
    const site = await startHostPage({ body: snippet(service) });
    const { page, errors, foreignRequests } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await page.evaluate(async (count) => {
      const element = document.querySelector('thread-proxy-chat');
      for (let n = 0; n < count; n++) {
        const answered = new Promise((resolve) =>
          element?.addEventListener('answer', resolve, { once: true }),
        );
        await element?.send(String(n));
        await answered;
      }
    }, HOSTILE_TEXTS.length);
    expect(await chat.entries.count()).toBe(HOSTILE_TEXTS.length);
    // Each link is clicked, too; what it opens is aborted.
    await page
      .context()
      .route('**/*', (route) => (route.request().isNavigationRequest() ? route.abort() : route.continue()));
    const found = await chat.answers.evaluateAll((bubbles) => ({
      elements: [
        ...new Set(bubbles.flatMap((one) => [...one.querySelectorAll('*')].map((e) => e.localName))),
      ],
      attributes: [
        ...new Set(
          bubbles.flatMap((one) =>
            [...one.querySelectorAll('*')].flatMap((e) =>
              e.getAttributeNames().map((name) => name.toLowerCase()),
            ),
          ),
        ),
      ],
      links: bubbles.flatMap((one) =>
        [...one.querySelectorAll('a[href]')].map((a) => a.getAttribute('href') ?? ''),
      ),
      rels: [
        ...new Set(
          bubbles.flatMap((one) => [...one.querySelectorAll('a[href]')].map((a) => a.getAttribute('rel'))),
        ),
      ],
      hasBidi: bubbles.some((one) => /[\u202a-\u202e\u2066-\u2069]/.test(one.textContent ?? '')),
      text: bubbles.map((one) => one.textContent).join('\n'),
    }));
    expect(found.elements.filter((name) => !ALLOWED.includes(name))).toEqual([]);
    expect(found.attributes.filter((name) => !ATTRIBUTES.includes(name))).toEqual([]);
    expect(found.links.length).toBeGreaterThan(5);
    expect(found.links.filter((href) => !/^(https?:\/\/[^@]+$|mailto:)/.test(href))).toEqual([]);
    expect(found.rels).toEqual(['noopener noreferrer nofollow']);
    expect(found.hasBidi).toBe(false);
    // A link that says one site and leads to another shows where it leads.
    expect(found.text).toContain('https://www.bank.example/login (opens in a new tab) (evil.test)');
    expect(found.text).toMatch(/bаnk\.example.*xn--/);
    for (const link of await chat.answers.locator('a').all()) await link.dispatchEvent('click');
    expect(await page.evaluate(() => Reflect.get(window, 'hacked'))).toBe(undefined);
    expect(page.url()).toBe(site);
    expect(foreignRequests([service.url, site])).toEqual([]);
    expect(errors).toEqual([]);
    // Nothing has left the place where answers are.
    const panel = await chat.panel.boundingBox();
    const list = await chat.panel.locator('.list').boundingBox();
    expect([panel?.width, list?.width]).toEqual([384, 382]);
    expect(await chat.panel.locator('.list').evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
    expect(await page.locator('h1').count()).toBe(1);
  });

  it('are harmless as messages, titles and greetings, too', async () => {
    const { service } = await startBoth();
    const nasty = '<img src=x onerror="window.hacked=1">';
    const attributes = ['title', 'greeting', 'status', 'placeholder', 'suggestions']
      .map((name) => `data-${name}='${nasty}'`)
      .join(' ');
    const site = await startHostPage({
      body: snippet(service, `${attributes} data-privacy-url="javascript:hacked=1"`),
    });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send(nasty);
    await chat.settled(1);
    expect(await chat.panel.locator('.visitor .bubble').innerText()).toBe(nasty);
    expect(await chat.panel.locator('.title').innerText()).toBe(nasty);
    expect(await chat.panel.locator('img').count()).toBe(0);
    expect(await chat.panel.locator('[role=menuitem][href]').count()).toBe(0);
    expect(await page.evaluate(() => Reflect.get(window, 'hacked'))).toBe(undefined);
    expect(errors).toEqual([]);
  });

  it('show images only where the owner allows them', async () => {
    const { service } = await startBoth({
      emulator: { answer: () => '![A cat](http://images.test/cat.png)' },
    });
    const site = await startHostPage({ body: snippet(service, 'data-images="allow"') });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('A picture, please.');
    await chat.settled(1);
    expect(await chat.answers.locator('img').getAttribute('alt')).toBe('A cat');
    expect(await chat.answers.locator('img').getAttribute('referrerpolicy')).toBe('no-referrer');
  });

  it('stay as they are when they come in pieces of any size', async () => {
    const { service } = await startBoth({
      emulator: {
        answer: () =>
          'A [link](https://example.com/a), **bold**, `code` and\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |',
      },
    });
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    // Existing elements are never recreated while the rest comes.
    await page.evaluate(() => {
      const list = document.querySelector('thread-proxy-chat')?.shadowRoot?.querySelector('.items');
      const removed: string[] = [];
      Reflect.set(window, 'removed', removed);
      new MutationObserver((changes) => {
        for (const { removedNodes, target } of changes) {
          const isAnswer = target instanceof Element && target.closest('.bubble');
          if (isAnswer) removed.push(...[...removedNodes].map((node) => node.textContent ?? ''));
        }
      }).observe(list ?? document.body, { childList: true, subtree: true });
    });
    await chat.send('Go.');
    await chat.settled(1);
    expect(await page.evaluate(() => Reflect.get(window, 'removed'))).toEqual([]);
    expect(await chat.answers.locator('strong, code, li, td, th, a[href]').count()).toBe(9);
  });

  it('quote documents without following wherever these want to lead', async () => {
    const documents = path.join(await temporaryFolder(), 'documents');
    await mkdir(documents);
    const faq = [{ question: 'Where is the shop?', answer: 'In Vienna.', url: 'javascript:window.hacked=1' }];
    await writeFile(path.join(documents, 'faq.json'), JSON.stringify(faq));
    const { service } = await startBoth({
      emulator: { answer: () => 'In Vienna [1].' },
      env: { DOCUMENTS_DIR: documents },
    });
    const isRead = () => service.lines.some(({ msg }) => msg === 'the folder of documents was read');
    await expect.poll(isRead, { timeout: 20_000 }).toBe(true);
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service) }));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Where is the shop?');
    await chat.settled(1);
    await chat.panel.locator('.source').click();
    expect(await chat.panel.locator('.source').count()).toBe(1);
    expect(await chat.panel.locator('.assistant a[href]').count()).toBe(0);
    expect(await page.evaluate(() => Reflect.get(window, 'hacked'))).toBe(undefined);
  });
});
