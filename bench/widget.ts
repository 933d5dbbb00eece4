import { brotliCompressSync, gzipSync } from 'node:zlib';
import { bundleWidget } from '../src/http/widget/bundle.ts';
import type { Bench, Row } from './report.ts';

const KB = 1024;
const MOST_BEFORE_CLICK = 6;
const MOST_IN_ALL = 35;

/** What our own chat bubble costs a page, as it goes over the wire. */
export const widget: Bench = async () => {
  const began = performance.now();
  const files = await bundleWidget();
  const took = performance.now() - began;
  const sizesOf = (name: RegExp) =>
    files
      .filter(({ path }) => name.test(path))
      .map(({ text }) => ({
        gzip: gzipSync(text, { level: 9 }).length / KB,
        brotli: brotliCompressSync(text).length / KB,
      }))
      .toSorted((a, b) => b.gzip - a.gzip);
  const none = { gzip: 0, brotli: 0 };
  const [button = none] = sizesOf(/^\/widget\.js$/);
  const [panel = none] = sizesOf(/^\/widget\/panel-/);
  const languages = sizesOf(/^\/widget\/[a-z]{2}-/);
  const [language = none] = languages;
  const row = (what: string, { gzip, brotli }: typeof none, most?: number): Row => ({
    what: `widget: ${what}, gzip`,
    measured: `${gzip.toFixed(1)} KB`,
    baseline: `${brotli.toFixed(1)} KB brotli`,
    target: most === undefined ? '' : `at most ${most} KB`,
    ...(most === undefined ? {} : { ok: gzip <= most }),
  });
  const sum = {
    gzip: button.gzip + panel.gzip + language.gzip,
    brotli: button.brotli + panel.brotli + language.brotli,
  };
  return [
    row('before the click (widget.js)', button, MOST_BEFORE_CLICK),
    row('the panel', panel),
    row(`the largest of ${languages.length} languages beside English`, language),
    row('all that a visitor loads', sum, MOST_IN_ALL),
    {
      what: 'widget: bundled at a start where it is not built yet',
      measured: `${took.toFixed(0)} ms`,
      baseline: '—',
      target: '',
    },
  ];
};
