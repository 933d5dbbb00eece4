/** Addresses that may wait to be asked, for each page that may be read. */
const WAITING_PER_PAGE = 20;
const MAX_SEEN = 200_000;
const MAX_ADDRESS = 2_000;
const MAX_SEGMENTS = 16;
/** A calendar, a filter, a search: pages that are made of nothing but their query. */
const MAX_QUERIES_PER_PATH = 30;
/** What names no other page. */
const TRACKING = /^(?:utm_\w+|fbclid|gclid|msclkid|mc_[ce]id|_ga|ref|phpsessid|jsessionid|sid)$/i;
const NO_PAGE =
  /\.(?:jpe?g|png|gif|webp|avif|svg|ico|css|m?js|map|woff2?|ttf|mp[34]|webm|mov|avi|zip|tgz|rar|7z|exe|dmg|apk|iso|xlsx?|pptx?|rss|atom)$/i;

/** An address as it names its page, or undefined where it names none of the origin. */
export const pageAddress = (address: string, base: string, origin: string): string | undefined => {
  if (address.length > MAX_ADDRESS || !URL.canParse(address, base)) return undefined;
  const url = new URL(address, base);
  if (url.origin !== origin || url.username !== '' || url.password !== '') return undefined;
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  // A relative link that is wrong grows with each page that has it: /a/a/a/a/…
  const isLoop = segments.length > MAX_SEGMENTS || segments.length - new Set(segments).size > 2;
  if (isLoop || NO_PAGE.test(url.pathname)) return undefined;
  for (const name of [...url.searchParams.keys()]) if (TRACKING.test(name)) url.searchParams.delete(name);
  url.searchParams.sort();
  url.hash = '';
  return url.href.length > MAX_ADDRESS ? undefined : url.href;
};

/** The addresses of a crawl that are to be asked, each once. */
export const createFrontier = (maxPages: number) => {
  const seen = new Set<string>();
  const waiting: string[] = [];
  const queries = new Map<string, number>();
  let next = 0;
  return {
    /** Adds an address, unless it was added before or there are too many. */
    add: (address: string): void => {
      if (seen.has(address) || seen.size >= MAX_SEEN || waiting.length - next >= maxPages * WAITING_PER_PAGE)
        return;
      const query = address.indexOf('?');
      if (query > 0) {
        const path = address.slice(0, query);
        const count = queries.get(path) ?? 0;
        if (count >= MAX_QUERIES_PER_PATH) return;
        queries.set(path, count + 1);
      }
      seen.add(address);
      waiting.push(address);
    },
    /** Marks an address as one that need not be asked. */
    skip: (address: string): void => void seen.add(address),
    next: (): string | undefined => {
      const address = waiting[next];
      next += 1;
      return address;
    },
  };
};
