import { type CrawlOptions, crawl } from '../../src/documents/crawl/crawl.ts';
import type { Library } from '../../src/documents/library.ts';
import { all } from './helper.ts';

const quick = { delayMs: 1, pageMs: 2_000 };
export const crawlAll = (start: string, library: Library, options: CrawlOptions = {}) =>
  all(crawl(start, library, { ...quick, ...options }));
/** What became of each path. */
export const byPath = (results: readonly { location: string; type: string }[]) =>
  Object.fromEntries(results.map(({ location, type }) => [new URL(location).pathname, type]));
export const paths = async (library: Library): Promise<string[]> =>
  (await library.sources())
    .map(({ location }) => new URL(location).pathname + new URL(location).search)
    .toSorted();
