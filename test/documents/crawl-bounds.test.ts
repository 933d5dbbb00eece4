import { describe, expect, it } from 'vitest';
import { isLoopback, isPrivate, resolvePublic } from '../../src/documents/crawl/addresses.ts';
import { crawlAll, paths } from './crawl-helper.ts';
import { openLibrary, page, startSite } from './helper.ts';

describe('the bounds of a crawl', () => {
  it('waits between two calls as long as robots.txt wants', async () => {
    const { library } = await openLibrary();
    const times: number[] = [];
    const site = await startSite((path) => {
      times.push(performance.now());
      if (path === '/robots.txt') return 'User-agent: *\nCrawl-delay: 0.3\n';
      return path === '/' ? page('start', ['/a', '/b']) : page(path);
    });
    await crawlAll(site.url, library);
    const gaps = times.slice(2).map((time, at) => time - (times[at + 1] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(280);
  });

  it('reads at most as many pages as it may, of a site without end', async () => {
    const { library } = await openLibrary();
    let next = 0;
    const site = await startSite((path) => {
      if (path === '/robots.txt') return undefined;
      next += 1;
      return page(
        `page ${path}`,
        Array.from({ length: 500 }, (_, n) => `/p${next}-${n}`),
      );
    });
    const results = await crawlAll(site.url, library, { maxPages: 25 });
    expect(results).toHaveLength(25);
    expect(site.asked).toHaveLength(26);
  });

  it('does not lose itself in loops of addresses, nor in calendars', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path) => {
      if (path === '/robots.txt') return undefined;
      if (path.startsWith('/calendar'))
        return page(path, [`/calendar?day=${Number(/\d+/.exec(path)?.[0] ?? 0) + 1}`]);
      return page(path, ['/calendar?day=1', 'deeper/']);
    });
    await crawlAll(site.url, library);
    expect(site.asked.length).toBeLessThan(40);
  });

  it('never leaves its origin: not by links, redirects, sitemaps, canonical addresses or a base', async () => {
    const { library } = await openLibrary();
    const other = await startSite(() => page('other'));
    const site = await startSite((path) => {
      if (path === '/') {
        return page(
          'start',
          [`${other.url}/link`, '/redirect', '/canonical', '/base', '/loop', '//127.0.0.1:1/x'],
          '',
        );
      }
      if (path === '/redirect') return { status: 302, headers: { Location: `${other.url}/redirected` } };
      if (path === '/loop') return { status: 302, headers: { Location: '/loop' } };
      if (path === '/canonical')
        return page('canonical', [], `<link rel="canonical" href="${other.url}/canonical">`);
      if (path === '/base') return page('base', ['based'], `<base href="${other.url}/">`);
      return undefined;
    });
    const results = await crawlAll(site.url, library);
    expect(other.asked).toEqual([]);
    expect(results).toContainEqual({
      type: 'unreadable',
      location: `${site.url}/redirect`,
      reason: `leads to another site (${other.url})`,
    });
    expect(results).toContainEqual({
      type: 'unreadable',
      location: `${site.url}/loop`,
      reason: 'leads around in circles',
    });
    expect(await paths(library)).toEqual(['/', '/base', '/canonical']);
  });

  it('gives up on slow and on endless pages, and goes on', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path, _, response) => {
      if (path === '/') return page('start', ['/slow', '/endless', '/good']);
      if (path === '/slow') return 'never';
      if (path === '/endless') {
        response.writeHead(200, { 'Content-Type': 'text/html' });
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(1_000_000, 'x')));
        };
        response.on('drain', more);
        more();
        return 'never';
      }
      return path === '/good' ? page('good') : undefined;
    });
    const results = await crawlAll(site.url, library, { pageMs: 1_000 });
    const reasons = Object.fromEntries(
      results.map((result) => [
        new URL(result.location).pathname,
        'reason' in result ? result.reason : result.type,
      ]),
    );
    expect(reasons).toMatchObject({ '/slow': 'takes too long', '/good': 'added' });
    expect(reasons['/endless']).toMatch(/too large|takes too long/);
  });

  it('reads a page of a hundred thousand links', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path) => {
      if (path === '/robots.txt') return undefined;
      return path === '/'
        ? page(
            'start',
            Array.from({ length: 100_000 }, (_, n) => `/p${n}`),
          )
        : page(path);
    });
    const results = await crawlAll(site.url, library, { maxPages: 10 });
    expect(results).toHaveLength(10);
  });

  it.each([
    ['a name of a private network', 'http://10.0.0.1/', 'an address of a private network'],
    [
      'the address of a cloud’s secrets',
      'http://169.254.169.254/latest/meta-data',
      'an address of a private network',
    ],
    ['an IPv4 address written as IPv6', 'http://[::ffff:10.0.0.1]/', 'an address of a private network'],
    ['a file', 'file:///etc/passwd', 'no http:// or https:// address'],
    ['a password in the address', 'http://user:pass@127.0.0.1/', 'an address with a password'],
    ['a name that is not there', 'http://no-such-host.invalid/', 'cannot be found'],
  ])('refuses %s', async (_, address, reason) => {
    const { library } = await openLibrary();
    await expect(crawlAll(address, library)).rejects.toThrow(reason);
  });

  it.each([
    ['this machine', ['127.0.0.1']],
    ['this machine in IPv6', ['::1']],
    ['this machine as an IPv4-mapped address', ['::ffff:127.0.0.1']],
    ['a private network', ['10.0.0.1']],
    ['a private network as an IPv4-mapped address', ['::ffff:a00:1']],
    ['the world and a private network', ['93.184.216.34', '192.168.0.1']],
  ])('refuses a name that the DNS says is %s, and asks nobody', async (_, addresses) => {
    const { library } = await openLibrary();
    const site = await startSite(() => page('secret'));
    const { port } = new URL(site.url);
    const lookup = async () => addresses.map((address) => ({ address }));
    await expect(crawlAll(`http://shop.example:${port}/`, library, { lookup })).rejects.toThrow(
      'shop.example is an address of a private network',
    );
    expect(site.asked).toEqual([]);
  });

  it('refuses a name that turns to a private network in the midst, and asks nobody there', async () => {
    const { library } = await openLibrary();
    const site = await startSite((path) => (path === '/' ? page('start', ['/a']) : page('a')));
    const { port } = new URL(site.url);
    const answers = ['127.0.0.1', '127.0.0.1'];
    const lookup = async () => [{ address: answers.shift() ?? '::ffff:10.0.0.1' }];
    const results = await crawlAll(`http://localhost:${port}/`, library, { lookup });
    expect(results).toMatchObject([
      { type: 'added' },
      { type: 'unreadable', reason: 'localhost is an address of a private network' },
    ]);
    expect(site.asked).toEqual(['/robots.txt', '/']);
  });

  it.each([
    ['10.1.2.3', true],
    ['127.0.0.1', true],
    ['192.168.1.1', true],
    ['172.31.0.1', true],
    ['100.64.0.1', true],
    ['169.254.169.254', true],
    ['0.0.0.0', true],
    ['::1', true],
    ['fd00::1', true],
    ['fe80::1', true],
    ['::ffff:7f00:1', true],
    ['::ffff:192.168.0.1', true],
    ['64:ff9b::a00:1', true],
    ['64:ff9b:1::a00:1', true],
    ['2002:a00:1::', true],
    ['2001:0:4136:e378::1', true],
    ['2001:db8::1', true],
    ['fec0::1', true],
    ['::10.0.0.1', true],
    ['::ffff:0:a00:1', true],
    ['100::1', true],
    ['0:0:0:0:0:ffff:a00:1', true],
    ['fe80::1%eth0', true],
    ['192.0.0.8', true],
    ['192.0.2.1', true],
    ['198.18.0.1', true],
    ['198.51.100.1', true],
    ['203.0.113.1', true],
    ['224.0.0.1', true],
    ['255.255.255.255', true],
    ['93.184.216.34', false],
    ['::ffff:93.184.216.34', false],
    ['2606:2800:220:1::1', false],
    ['2001:4860:4860::8888', false],
  ])('takes %s for private: %s', (address, expected) => {
    expect(isPrivate(address)).toBe(expected);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['::1', true],
    ['::ffff:7f00:1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['128.0.0.1', false],
    ['::2', false],
  ])('takes %s for this machine: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
  });

  it.each(['127.0.0.1', '[::1]', '[::ffff:7f00:1]', 'localhost'])(
    'asks %s only where the owner has named this machine',
    async (host) => {
      await expect(resolvePublic(host, false)).rejects.toThrow('is an address of a private network');
      const { address } = await resolvePublic(host, true);
      expect(isLoopback(address)).toBe(true);
    },
  );
});
