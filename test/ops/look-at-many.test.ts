import { it } from 'vitest';
import { describeInBrowser } from '../helpers/browser.ts';
import { lookAtAll } from './look-at.ts';

await describeInBrowser("the operators' pages, wide and on a phone", (browser) => {
  it.each([0, 1, 3_000])(
    'have nothing that axe finds fault with, and fit, with %i exchanges',
    async (count) => {
      await lookAtAll(browser, count);
    },
    120_000,
  );
});
