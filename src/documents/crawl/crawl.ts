import { setTimeout as sleep } from 'node:timers/promises';
import type { Library, TakeOptions, TakeResult } from '../library.ts';
import { UnreadableDocument } from '../model.ts';
import { isLoopback, type Lookup } from './addresses.ts';
import { createFrontier, pageAddress } from './frontier.ts';
import { type Fetched, type GetOptions, getPage } from './get-page.ts';
import { readRobots } from './robots.ts';
import { readSitemap } from './sitemap.ts';

export interface CrawlOptions extends TakeOptions {
  /** @default 500 */
  readonly maxPages?: number | undefined;
  /** Milliseconds between two calls; robots.txt may ask for more. @default 250 */
  readonly delayMs?: number | undefined;
  /** Milliseconds for a page. @default 20000 */
  readonly pageMs?: number | undefined;
  /** Milliseconds for all of it. @default 1 hour */
  readonly totalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How names are resolved. @default as the system does it */
  readonly lookup?: Lookup | undefined;
}

const MAX_PAGE_BYTES = 20 * 1024 * 1024;
const MAX_SITEMAPS = 50;
const DEFAULTS = { maxPages: 500, delayMs: 250, pageMs: 20_000, totalMs: 60 * 60_000 };

/** Whether the owner has named a loopback address, so that one may be asked. */
const namesLoopback = ({ hostname }: URL): boolean => {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return bare === 'localhost' || (/^[\d.:a-f]+$/i.test(bare) && isLoopback(bare));
};

/** The address of a site or page, as its owner wrote it. @throws UnreadableDocument */
export const startAddress = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new UnreadableDocument('no http:// or https:// address');
  if (url.username !== '' || url.password !== '')
    throw new UnreadableDocument('an address with a password in it');
  url.hash = '';
  return url;
};

/**
 * Takes in the pages of a site, from a start address or a sitemap, and out those that are gone. All calls go to the
 * origin of the start address, one after another, where its robots.txt allows them.
 * @throws UnreadableDocument where the start address itself cannot be had.
 */
export async function* crawl(
  start: string,
  library: Library,
  options: CrawlOptions = {},
): AsyncGenerator<TakeResult> {
  const { dryRun, signal } = options;
  const maxPages = options.maxPages ?? DEFAULTS.maxPages;
  const endAt = performance.now() + (options.totalMs ?? DEFAULTS.totalMs);
  const root = startAddress(start);
  const get: GetOptions = {
    origin: root.origin,
    isLoopbackNamed: namesLoopback(root),
    lookup: options.lookup,
    maxBytes: MAX_PAGE_BYTES,
    maxTime: options.pageMs ?? DEFAULTS.pageMs,
    signal,
  };
  const rules = await readRobots(get);
  if (typeof rules === 'string') throw new UnreadableDocument(rules);
  const robots = rules;
  const delay = Math.max(options.delayMs ?? DEFAULTS.delayMs, robots.delay);
  const known = new Map(
    (await library.sources()).filter(({ kind }) => kind === 'page').map((page) => [page.location, page]),
  );
  const frontier = createFrontier(maxPages);
  const polite = () => sleep(delay, undefined, signal ? { signal } : {});

  const first = await getPage(root.href, { ...get, etag: undefined });
  if (first.type !== 'page')
    throw new UnreadableDocument(first.type === 'refused' ? first.reason : 'is not there');
  const sitemap = readSitemap(first.bytes);
  if (sitemap) {
    for (const address of await pagesIn(sitemap, first.url, get, polite)) frontier.add(address);
  } else frontier.add(pageAddress(first.url, first.url, root.origin) ?? first.url);

  /** Whether the site still has what was found on it before. */
  const alive = new Set<string>();
  let read = 0;
  let isWhole = false;
  for (;;) {
    signal?.throwIfAborted();
    const address = frontier.next();
    isWhole = address === undefined;
    if (address === undefined || read >= maxPages || performance.now() > endAt) break;
    if (!robots.allows(address)) {
      yield { type: 'unreadable', location: address, reason: 'robots.txt forbids it' };
      continue;
    }
    const isFirst = !sitemap && read === 0;
    if (!isFirst) await polite();
    // Links are found in what is sent alone, so that only a sitemap's pages need not be sent anew.
    const etag = sitemap ? known.get(address)?.etag : undefined;
    const fetched = isFirst ? first : await getPage(address, { ...get, etag });
    read += 1;
    const result = await visit(address, fetched);
    if (result) yield result;
  }

  if (dryRun || !isWhole) return;
  for (const page of known.values()) {
    if (page.foundBy !== root.href || alive.has(page.location)) continue;
    await library.remove(page.id);
    yield { type: 'removed', location: page.location };
  }

  async function visit(address: string, fetched: Fetched): Promise<TakeResult | undefined> {
    if (fetched.type === 'gone') return { type: 'unreadable', location: address, reason: 'is not there' };
    if (fetched.type === 'refused') {
      // It may be back tomorrow.
      alive.add(address);
      return { type: 'unreadable', location: address, reason: fetched.reason };
    }
    alive.add(address);
    if (fetched.type === 'unchanged')
      return { type: 'unchanged', location: address, passages: known.get(address)?.passages ?? 0 };
    const url = pageAddress(fetched.url, fetched.url, root.origin) ?? fetched.url;
    if (url !== address && !robots.allows(url))
      return { type: 'unreadable', location: url, reason: 'robots.txt forbids it' };
    frontier.skip(url);
    alive.add(url);
    let canonical: string | undefined;
    const result = await library.take(
      {
        kind: 'page',
        location: url,
        foundBy: root.href,
        etag: fetched.etag,
        raw: { name: url, bytes: fetched.bytes, contentType: fetched.contentType },
      },
      {
        dryRun,
        accepts: (page) => {
          const own =
            page.canonical === undefined ? undefined : pageAddress(page.canonical, url, root.origin);
          canonical = own === url ? undefined : own;
          return canonical === undefined && !page.noIndex && !/noindex|none/.test(fetched.robots);
        },
      },
    );
    if (canonical !== undefined) frontier.add(canonical);
    if (!sitemap && !/nofollow|none/.test(fetched.robots)) {
      for (const link of result.page?.links ?? []) {
        const found = pageAddress(link, url, root.origin);
        if (found !== undefined) frontier.add(found);
      }
    }
    if (result.type !== 'skipped') return result;
    alive.delete(url);
    return undefined;
  }
}

/** The pages of a sitemap, and of the sitemaps that it names, on its own origin. */
const pagesIn = async (
  first: { isIndex: boolean; addresses: readonly string[] },
  base: string,
  get: GetOptions,
  polite: () => Promise<unknown>,
): Promise<string[]> => {
  const own = (addresses: readonly string[]): string[] =>
    addresses
      .map((address) => pageAddress(address, base, get.origin))
      .filter((address) => address !== undefined);
  if (!first.isIndex) return own(first.addresses);
  const pages: string[] = [];
  for (const address of own(first.addresses.map((one) => one.replace(/\.gz$/i, '.gz#'))).slice(
    0,
    MAX_SITEMAPS,
  )) {
    await polite();
    const fetched = await getPage(address, get);
    const sitemap = fetched.type === 'page' ? readSitemap(fetched.bytes) : undefined;
    if (sitemap && !sitemap.isIndex) pages.push(...own(sitemap.addresses));
  }
  return pages;
};
