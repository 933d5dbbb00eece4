import { expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { describeInBrowser } from '../helpers/browser.ts';
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
