import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { byPath, crawlAll, paths } from './crawl-helper.ts';
import { openLibrary, page, startSite } from './helper.ts';

describe('a crawl', () => {
  it('reads the pages of a site, each once, whatever its addresses are called', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path) => {
      if (path === '/')
        return page('start', [
          '/a?utm_source=x',
          '/a#part',
          'a',
          '/print/a',
          '/b?y=2&x=1',
          '/b?x=1&y=2',
          'mailto:x@y.z',
          '/picture.png',
        ]);
      if (path === '/a') return page('a', ['/']);
      if (path === '/print/a') return page('a', [], '<link rel="canonical" href="/a">');
      if (path.startsWith('/b')) return page('b');
      return undefined;
    });
    const results = await crawlAll(`${site.url}/`, library);
    expect(byPath(results)).toEqual({ '/': 'added', '/a': 'added', '/b': 'added' });
    expect(site.asked.toSorted()).toEqual(['/', '/a', '/b?x=1&y=2', '/print/a', '/robots.txt']);
    expect((await library.sources()).map(({ title }) => title).toSorted()).toEqual(['a', 'b', 'start']);
  });

  it('reads the pages of a sitemap, also of one that is packed and in an index', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path, request) => {
      const origin = `http://${request.headers.host}`;
      if (path === '/sitemap.xml')
        return `<?xml version="1.0"?><sitemapindex><sitemap><loc>${origin}/pages.xml.gz</loc></sitemap></sitemapindex>`;
      if (path === '/pages.xml.gz') {
        return {
          body: gzipSync(
            `<urlset><url><loc>${origin}/a?x=1&amp;y=2</loc></url><url><loc>http://127.0.0.2/b</loc></url></urlset>`,
          ),
        };
      }
      return path.startsWith('/a') ? page('a', ['/not-in-the-sitemap']) : undefined;
    });
    await crawlAll(`${site.url}/sitemap.xml`, library);
    expect(await paths(library)).toEqual(['/a?x=1&y=2']);
  });

  it('obeys robots.txt, and what pages and links say to crawlers', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path) => {
      if (path === '/robots.txt')
        return { headers: { 'Content-Type': 'text/plain' }, body: 'User-agent: *\nDisallow: /private\n' };
      if (path === '/')
        return page('start', ['/private/x', '/hidden', '/dead-end', '/header']).replace(
          '</main>',
          '<a rel="nofollow" href="/never">x</a></main>',
        );
      if (path === '/hidden')
        return page('hidden', ['/through-hidden'], '<meta name="robots" content="noindex">');
      if (path === '/dead-end')
        return page('dead end', ['/never'], '<meta name="robots" content="nofollow">');
      if (path === '/header')
        return { headers: { 'X-Robots-Tag': 'noindex, nofollow' }, body: page('header', ['/never']) };
      return path === '/through-hidden' ? page('through') : undefined;
    });
    const results = await crawlAll(site.url, library);
    expect(await paths(library)).toEqual(['/', '/dead-end', '/through-hidden']);
    expect(results).toContainEqual({
      type: 'unreadable',
      location: `${site.url}/private/x`,
      reason: 'robots.txt forbids it',
    });
    expect(site.asked).not.toContain('/never');
    expect(site.asked).not.toContain('/private/x');
  });

  it('follows a redirect within its origin, and keeps the page under the address where it is', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path) => {
      if (path === '/') return page('start', ['/old', '/new']);
      if (path === '/old') return { status: 301, headers: { Location: '/new' } };
      return path === '/new' ? page('new') : undefined;
    });
    await crawlAll(site.url, library);
    expect(await paths(library)).toEqual(['/', '/new']);
  });

  it('takes out what the site does not have any more, and only what has changed in', async () => {
    const { library } = await openLibrary();
    let isLater = false;
    const site = await startSite((path) => {
      if (path === '/') return page('start', ['/same', '/changes', '/goes']);
      if (path === '/same') return page('same');
      if (path === '/changes') return page(isLater ? 'changed' : 'changes');
      return path === '/goes' && !isLater ? page('goes') : undefined;
    });
    await crawlAll(site.url, library);
    isLater = true;
    const results = await crawlAll(site.url, library);
    expect(results.map(({ location, type }) => [new URL(location).pathname, type])).toEqual([
      ['/', 'unchanged'],
      ['/same', 'unchanged'],
      ['/changes', 'changed'],
      ['/goes', 'unreadable'],
      ['/goes', 'removed'],
    ]);
  });

  it('does not have pages of a sitemap sent again that did not change', async () => {
    const { library } = await openLibrary();
    let sent = 0;
    const site = await startSite((path, request) => {
      const origin = `http://${request.headers.host}`;
      if (path === '/sitemap.xml') return `<urlset><url><loc>${origin}/a</loc></url></urlset>`;
      if (path !== '/a') return undefined;
      if (request.headers['if-none-match'] === '"v1"') return { status: 304 };
      sent += 1;
      return { headers: { ETag: '"v1"' }, body: page('a') };
    });
    await crawlAll(`${site.url}/sitemap.xml`, library);
    const again = await crawlAll(`${site.url}/sitemap.xml`, library);
    expect(again).toMatchObject([{ type: 'unchanged', passages: 1 }]);
    expect(sent).toBe(1);
  });

  it('keeps nothing on a dry run', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path) => (path === '/' ? page('start') : undefined));
    expect(await crawlAll(site.url, library, { dryRun: true })).toMatchObject([
      { type: 'added', passages: 1 },
    ]);
    expect(await library.sources()).toEqual([]);
  });
});
