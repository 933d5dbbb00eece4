import { expect, it } from 'vitest';
import { HOSTILE_TEXTS } from '../fixtures/hostile-texts.ts';
import { axeFaults, describeInBrowser, type TestPage } from '../helpers/browser.ts';
import { startEmulator, startService, upstreamEnv } from '../helpers/service.ts';

const OPS_TOKEN = 'ops-token-of-the-tests-0123456789abcdef';
const PATHS = [
  '/ops',
  '/ops/conversations',
  '/ops/conversations?v=u:ada',
  '/ops/conversations?q=nothing+like+it',
  '/ops/documents',
  '/ops/settings',
  '/ops/visitors/erase?v=u:ada',
];

const started = async () => {
  const emulator = await startEmulator();
  return startService({
    ...upstreamEnv(emulator),
    OPS_TOKEN,
    DAILY_COST: '1',
    PRICES: '*=1/4',
  });
};

const signIn = async ({ page }: TestPage, url: string): Promise<void> => {
  await page.goto(`${url}/ops/sign-in`);
  await page.getByLabel('Ops token').fill(OPS_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
};

await describeInBrowser("the operators' pages", (browser) => {
  it.each(['light', 'dark'] as const)(
    'have nothing that axe finds fault with, in %s',
    async (colorScheme) => {
      const service = await started();
      await service.post({ user_id: 'ada', message: 'Where is my parcel?' });
      await service.post({ user_id: 'bob', message: 'Hello' });
      const opened = await browser.newPage({ colorScheme });
      await opened.page.goto(`${service.url}/ops/sign-in`);
      expect(await axeFaults(opened.page), 'sign-in').toEqual([]);
      await signIn(opened, service.url);
      for (const path of PATHS) {
        await opened.page.goto(service.url + path);
        expect(await axeFaults(opened.page), path).toEqual([]);
      }
      expect(opened.errors).toEqual([]);
      expect(opened.foreignRequests([service.url])).toEqual([]);
    },
  );

  it('fit a phone', async () => {
    const service = await started();
    await service.post({ user_id: 'ada', message: 'Where is my parcel?' });
    const opened = await browser.newPage({ width: 360, height: 740, isPhone: true });
    await signIn(opened, service.url);
    for (const path of PATHS) {
      await opened.page.goto(service.url + path);
      expect(await opened.page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(
        360,
      );
    }
  });

  it('are walked with j, k and Enter, searched with /, and tell their keys with ?', async () => {
    const service = await started();
    for (const user_id of ['ada', 'bob', 'cyd']) await service.post({ user_id, message: 'Hello' });
    const { page, errors } = await browser.newPage();
    await signIn({ page, errors, requests: [], foreignRequests: () => [] }, service.url);
    await page.goto(`${service.url}/ops/conversations`);
    const focused = () => page.evaluate<string>('document.activeElement?.textContent ?? ""');
    // The newest is first.
    for (const [key, name] of [
      ['j', 'cyd'],
      ['j', 'bob'],
      ['j', 'ada'],
      ['k', 'bob'],
    ] as const) {
      await page.keyboard.press(key);
      expect(await focused()).toContain(name);
    }
    await page.keyboard.press('Enter');
    await page.waitForURL(/v=u(:|%3A)bob/);
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').isVisible()).toBe(true);
    expect(await axeFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').isVisible()).toBe(false);
    // The conversation stays open.
    expect(page.url()).toMatch(/v=u(:|%3A)bob/);
    await page.keyboard.press('/');
    await page.keyboard.type('hello j');
    expect(await page.getByRole('searchbox').inputValue()).toBe('hello j');
    expect(errors).toEqual([]);
  });

  it('tell times in the zone of the reader', async () => {
    const service = await started();
    await service.post({ user_id: 'ada', message: 'Hello' });
    for (const timeZone of ['Asia/Tokyo', 'America/New_York']) {
      const opened = await browser.newPage({ timeZone });
      await signIn(opened, service.url);
      await opened.page.goto(`${service.url}/ops/conversations?v=u:ada`);
      const time = opened.page.locator('article time, .thread time').last();
      const at = new Date((await time.getAttribute('datetime')) ?? '');
      const wanted = new Intl.DateTimeFormat('en-GB', {
        timeZone,
        hour: '2-digit',
        minute: '2-digit',
      }).format(at);
      expect(await time.textContent(), timeZone).toContain(wanted);
    }
  });

  it('show hostile messages and answers as text', async () => {
    const service = await started();
    for (const message of HOSTILE_TEXTS) {
      await service.post({ user_id: 'ada', message: message.slice(0, 4_000) });
    }
    const opened = await browser.newPage();
    await signIn(opened, service.url);
    const thread = `${service.url}/ops/conversations?v=u:ada`;
    for (const url of [`${service.url}/ops`, thread]) {
      await opened.page.goto(url);
      expect(await opened.page.locator('img, iframe, object, embed, base, main script').count()).toBe(0);
      expect(await opened.page.locator('a[href^="javascript:" i], a[href^="data:" i]').count()).toBe(0);
    }
    expect(opened.page.url()).toBe(thread);
    expect(opened.foreignRequests([service.url])).toEqual([]);
    expect(opened.errors).toEqual([]);
  });
});
