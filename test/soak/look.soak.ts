import { it } from 'vitest';
import { describeInBrowser } from '../helpers/browser.ts';
import { lookAtAll } from '../ops/look-at.ts';

const EXCHANGES = Number(process.env.EXCHANGES ?? 100_000);

await describeInBrowser("the operators' pages", (browser) => {
  it(
    `have nothing that axe finds fault with, and fit, with ${EXCHANGES} exchanges`,
    {
      timeout: 1_800_000,
    },
    () => lookAtAll(browser, EXCHANGES, 4),
  );
});
