import { expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { describeInBrowser } from '../helpers/browser.ts';
import { startBoth } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

await describeInBrowser('the element <thread-proxy-chat>', (browser) => {
  it('is placed by the page where the page wants it, as large as its place', async () => {
    const { service } = await startBoth();
    const body = `<div style="height: 500px; width: 600px"><thread-proxy-chat mode="inline" title="Help" greeting="Welcome!" style="height: 100%"></thread-proxy-chat></div>${snippet(service)}`;
    const { page, errors } = await browser.newPage();
    await page.goto(await startHostPage({ body }));
    const chat = chatOn(page);
    await chat.panel.waitFor();
    expect(await chat.launcher.count()).toBe(0);
    expect(await page.locator('thread-proxy-chat').count()).toBe(1);
    const { width, height } = (await chat.panel.boundingBox()) ?? {};
    expect([width, height]).toEqual([600, 500]);
    expect(await page.getByRole('region', { name: 'Help' }).count()).toBe(1);
    // Its title is no tooltip over all of it.
    expect(await page.locator('thread-proxy-chat').getAttribute('title')).toBe(null);
    // It has not taken the focus.
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY');
    await chat.send('Hello!');
    await chat.settled(1);
    expect(errors).toEqual([]);
  });

  it('can be driven by the page, which is told what happens', async () => {
    const { service, emulator } = await startBoth({ emulator: { answer: () => 'An answer.' } });
    const site = await startHostPage({ body: snippet(service, 'data-auto="off"') });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    await page.waitForLoadState('networkidle');
    expect(await page.locator('thread-proxy-chat').count()).toBe(0);
    const told = await page.evaluate(async () => {
      const element = document.createElement('thread-proxy-chat');
      const seen: unknown[] = [];
      for (const type of ['message', 'answer', 'error', 'open', 'close', 'feedback'] as const) {
        element.addEventListener(type, (event) => seen.push([event.type, event.detail]));
      }
      element.suggestions = ['What | why?'];
      element.accent = '#0a7d5a';
      document.body.append(element);
      await element.open();
      const shown = [...(element.shadowRoot?.querySelectorAll('.chip') ?? [])].map(
        (chip) => chip.textContent,
      );
      const done = new Promise((resolve) => element.addEventListener('answer', resolve));
      const sent = [
        await element.send('  Hello!  '),
        await element.send('Too early.'),
        await element.send(' '),
      ];
      await done;
      const before = element.isOpen;
      element.close();
      await element.clear();
      const left = element.shadowRoot?.querySelectorAll('.entry').length;
      return { seen, shown, sent, before, after: element.isOpen, left };
    });
    expect(told).toMatchObject({
      shown: ['What | why?'],
      sent: [true, false, false],
      before: true,
      after: false,
      left: 0,
      seen: [
        ['open', {}],
        ['message', { text: 'Hello!' }],
        ['answer', { text: 'An answer.', truncated: false, sources: [] }],
        ['close', {}],
      ],
    });
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 400 } });
    const failure = await page.evaluate(async () => {
      const element = document.querySelector('thread-proxy-chat');
      const failed = new Promise((resolve) =>
        element?.addEventListener('error', ({ detail }) => resolve(detail.code)),
      );
      await element?.send('Fail.');
      return failed;
    });
    expect(failure).toBe('upstream_rejected');
    expect(errors).toEqual([]);
  });

  it('changes with its attributes while it is open, and can be taken out and put back', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await page.evaluate(() => {
      const element = document.querySelector('thread-proxy-chat');
      element?.setAttribute('title', 'Anna');
      element?.setAttribute('theme', 'dark');
      element?.setAttribute('position', 'left');
    });
    expect(await chat.panel.locator('.title').innerText()).toBe('Anna');
    expect(await chat.panel.evaluate((panel) => getComputedStyle(panel).backgroundColor)).toBe(
      'rgb(28, 28, 31)',
    );
    expect((await chat.panel.boundingBox())?.x).toBe(20);
    await chat.send('Hello!');
    await chat.settled(1);
    await page.evaluate(() => {
      const element = document.querySelector('thread-proxy-chat');
      element?.remove();
      if (element) document.body.append(element);
    });
    await chat.settled(1);
    expect(await page.locator('thread-proxy-chat .panel').count()).toBe(1);
    expect(errors).toEqual([]);
  });

  it('takes its colours from the page by custom properties and parts', async () => {
    const { service } = await startBoth();
    const head =
      '<style>thread-proxy-chat { --chat-accent: rgb(0, 90, 60); --chat-radius: 4px; --chat-font: monospace } thread-proxy-chat::part(header) { padding: 30px }</style>';
    const { page } = await browser.newPage();
    await page.goto(await startHostPage({ body: snippet(service), head }));
    const chat = chatOn(page);
    await chat.open();
    const styleOf = (selector: string, name: string) =>
      page
        .locator(`thread-proxy-chat ${selector}`)
        .evaluate((element, key) => getComputedStyle(element).getPropertyValue(key), name);
    expect(await styleOf('.launcher', 'background-color')).toBe('rgb(0, 90, 60)');
    expect(await styleOf('.panel', 'border-radius')).toBe('4px');
    expect(await styleOf('.title', 'font-family')).toBe('monospace');
    expect(await styleOf('.header', 'padding-top')).toBe('30px');
  });

  it('speaks for the user whom the site names, and for another as soon as the site says so', async () => {
    const { service } = await startBoth({
      emulator: { answer: ({ first }) => `First: ${first}` },
      env: { SITE_KEYS: SITE_KEY, IDENTITY: 'signed' },
    });
    const tokenOf = async (user_id: string) => {
      const { body } = await callApi(service, 'POST', '/api/session', {
        bearer: SITE_KEY,
        json: { user_id },
      });
      return String(body.session_token);
    };
    const [ann, bob] = [await tokenOf('ann'), await tokenOf('bob')];
    const site = await startHostPage({ body: snippet(service, `data-user-token="${ann}"`) });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.send('I am Ann.');
    await chat.settled(1);
    // A function is asked for the token, and what Ann said is gone from the page.
    await page.evaluate((token) => {
      const element = document.querySelector('thread-proxy-chat');
      if (element) element.userToken = async () => token;
    }, bob);
    await expect.poll(() => chat.entries.count()).toBe(0);
    await chat.send('I am Bob.');
    await chat.settled(1);
    await page.reload();
    await expect.poll(() => chat.panel.locator('.visitor .bubble').allInnerTexts()).toEqual(['I am Ann.']);
    const log = await service.finalLog();
    expect([log.ann?.map(({ user }) => user), log.bob?.map(({ user }) => user)]).toEqual([
      ['I am Ann.'],
      ['I am Bob.'],
    ]);
    // Nothing of whom the site named is kept in the browser.
    expect(
      await page.evaluate(() => Object.keys(localStorage).filter((key) => key.endsWith('token'))),
    ).toEqual([]);
    expect(errors).toEqual([]);
  });
});
