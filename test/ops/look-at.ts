import path from 'node:path';
import { expect } from 'vitest';
import { openSqliteOps } from '../../src/ops/sqlite/sqlite-ops-store.ts';
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import { axeFaults, type TestBrowser } from '../helpers/browser.ts';
import { startEmulator, startService, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { OPS_TOKEN, signIn } from './helper.ts';

/** Pages that show exchanges. */
const PATHS = {
  overview: '/ops',
  'overview-7d': '/ops?range=7d',
  conversations: '/ops/conversations',
  thread: '/ops/conversations?v=u:visitor-0',
  search: '/ops/conversations?q=parcel',
  failed: '/ops/conversations?show=failed',
};

/** The first two show all that one of them does not share with the others. */
const LOOKS = [
  { name: 'wide-light', width: 1280, height: 900, colorScheme: 'light' },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark', isPhone: true },
  { name: 'wide-dark', width: 1280, height: 900, colorScheme: 'dark' },
  { name: 'phone-light', width: 390, height: 844, colorScheme: 'light', isPhone: true },
] as const;

const quiet = () => undefined;
const clock = { now: () => Date.now() };
const DAYS_S = 30 * 86_400;
const VISITORS = 400;

/** Of all kinds, long ones and failed ones among them, as a site's are. */
const exchangeAt = (n: number, timestamp: number) => {
  const visitor = n % VISITORS;
  const isAnonymous = visitor % 5 === 4;
  return {
    id: `exchange-${n}`,
    visitor: `${isAnonymous ? 'a' : visitor % 7 === 3 ? 'v' : 'u'}:visitor-${visitor}`,
    ...(visitor % 3 === 0 && { name: `Ada Lovelace the ${visitor}th` }),
    user:
      n % 11 === 5
        ? `Donaudampfschifffahrt${'gesellschaft'.repeat(20)}?`
        : `Where is parcel ${n}, and what is in it?`,
    ...(n % 23 === 7
      ? { bot: null, error: n % 2 ? 'upstream_timeout' : 'upstream_busy' }
      : {
          bot: `**Parcel ${n}** is on its way:\n\n- it left on Monday\n- it comes on Friday\n\n${'More of it. '.repeat(n % 40)}`,
        }),
    timestamp,
    usage: { input: 300 + (n % 100), output: 80 },
    ...(n % 31 === 1 && { feedback: { rating: 'down' as const, comment: 'That is not what I asked.' } }),
    ...(n % 13 === 2 && { unanswered: true as const }),
    ...(n % 97 === 3 && { flagged: ['harassment'] }),
    ...(n % 9 === 4 && { sources: [{ n: 1, title: 'Parcels', url: 'https://shop.example/parcels' }] }),
    run: {
      backend: n % 50 === 0 ? 'completions' : 'responses',
      model: 'gpt-6-luna',
      queuedMs: 1,
      firstWordMs: 300 + (n % 700),
      totalMs: 1_500 + (n % 2_000),
      ...(n % 17 === 6 && { tools: ['find_parcel', 'find_customer'] }),
    },
  };
};

/** A data folder with so many exchanges of the last 30 days. */
const folderWith = async (count: number): Promise<string> => {
  const dir = await temporaryFolder();
  const store = await openSqliteStore({
    ...{ dir, maxBytes: 64_000_000, clock },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    // Its copies are written once.
    tuning: { smallWaitMs: 3_600_000, largeBytes: Number.POSITIVE_INFINITY },
  });
  const ops = await openSqliteOps(store);
  const start = clock.now() / 1000 - DAYS_S;
  for (let n = 0; n < count; n += 500) {
    await store.add(
      Array.from({ length: Math.min(500, count - n) }, (_, index) => ({
        row: exchangeAt(n + index, start + ((n + index + 1) * DAYS_S) / (count + 1)),
      })),
    );
  }
  // Makes all of it searchable and counted, as it is after a while.
  await ops.conversations({ words: ['nothing'] }, { limit: 1 });
  await ops.overview([0, 1]);
  ops.stop();
  await store.close();
  return dir;
};

/**
 * Opens the pages of a log with so many exchanges, wide and on a phone, light and dark, and printed. With LOOK_DIR it puts
 * a picture of each there.
 */
export const lookAtAll = async (browser: TestBrowser, count: number, looks = 2): Promise<void> => {
  const shots = process.env.LOOK_DIR;
  const emulator = await startEmulator();
  const service = await startService({
    ...upstreamEnv(emulator),
    ...{ OPS_TOKEN, DAILY_COST: '1', PRICES: '*=1/4', DATA_DIR: await folderWith(count) },
  });
  const { Cookie } = await signIn(service.url);
  const [name = '', value = ''] = Cookie.split('=');
  for (const look of LOOKS.slice(0, looks)) {
    const { page, errors, foreignRequests } = await browser.newPage(look);
    await page.context().addCookies([{ name, value, url: service.url }]);
    const shoot = async (what: string): Promise<void> => {
      if (shots)
        await page.screenshot({
          path: path.join(shots, `${count}-${what}-${look.name}.png`),
          fullPage: true,
        });
    };
    for (const [what, address] of Object.entries(PATHS)) {
      await page.goto(service.url + address);
      expect(await axeFaults(page), `${what}, ${look.name}`).toEqual([]);
      const wider = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      expect(wider, `${what}, ${look.name}: pixels beyond the screen`).toBeLessThanOrEqual(0);
      const higher = await page.evaluate('document.documentElement.scrollHeight - window.innerHeight');
      // Beside the list it is the conversation that scrolls.
      if (what === 'thread' && !('isPhone' in look))
        expect(higher, `${what}, ${look.name}`).toBeLessThanOrEqual(0);
      await shoot(what);
      if (look.name !== 'wide-light') continue;
      await page.emulateMedia({ media: 'print' });
      await shoot(`${what}-print`);
      await page.emulateMedia({ media: 'screen' });
    }
    expect(errors, look.name).toEqual([]);
    expect(foreignRequests([service.url])).toEqual([]);
  }
};
