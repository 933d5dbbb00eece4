import { describe, expect, it } from 'vitest';
import { boundedCounts } from '../../src/limits/bounded-counts.ts';
import { clientAddress } from '../../src/limits/client-address.ts';

const SOCKET = '192.0.2.1';
const behind = (trusted: number, forwardedFor?: string, socketAddress: string | undefined = SOCKET) =>
  clientAddress({ socketAddress, forwardedFor }, trusted);

describe('the address that the limits count', () => {
  it.each<[string, number, string | undefined, string]>([
    ['no proxy: the socket', 0, undefined, SOCKET],
    ['no proxy is trusted: the socket, whatever is forwarded', 0, '203.0.113.7', SOCKET],
    ['one proxy: the rightmost entry', 1, '1.2.3.4, 203.0.113.7', '203.0.113.7'],
    ['two proxies: the second from the right', 2, '1.2.3.4, 203.0.113.7, 10.0.0.1', '203.0.113.7'],
    ['too few entries: the socket', 2, '203.0.113.7', SOCKET],
    ['no header: the socket', 1, undefined, SOCKET],
    ['an empty header: the socket', 1, '', SOCKET],
    ['a garbled entry: the socket', 1, 'unknown', SOCKET],
    ['an entry that is no address: the socket', 1, '999.1.1.1', SOCKET],
    ['an entry with a port', 1, '203.0.113.7:4711', '203.0.113.7'],
    ['IPv6 by /64', 1, '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['IPv6 shortened, by /64', 1, '2001:db8::1', '2001:db8:0:0::/64'],
    ['IPv6 in capitals and with zeros, by /64', 1, '2001:0DB8:0000::0001', '2001:db8:0:0::/64'],
    ['IPv6 in brackets with a port', 1, '[2001:db8::1]:443', '2001:db8:0:0::/64'],
    ['IPv6 with a zone', 1, 'fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['IPv4 mapped into IPv6', 1, '::ffff:203.0.113.7', '203.0.113.7'],
    ['IPv4 mapped into IPv6, in hex', 1, '::ffff:cb00:7107', '203.0.113.7'],
  ])('%s', (_, trusted, forwardedFor, expected) => {
    expect(behind(trusted, forwardedFor)).toBe(expected);
  });

  it('normalises the socket address, too', () => {
    expect(behind(0, undefined, '::ffff:192.0.2.9')).toBe('192.0.2.9');
    expect(behind(0, undefined, '::1')).toBe('0:0:0:0::/64');
  });
});

describe('the store of counts', () => {
  it('holds at most as many addresses as it may, and forgets the oldest windows first', async () => {
    const counts = boundedCounts({ maxKeys: 3 });
    counts.init?.({ windowMs: 60_000 } as never);
    for (const key of ['a', 'b', 'c']) await counts.increment(key);
    expect(await counts.increment('a')).toMatchObject({ totalHits: 2 });
    await counts.increment('d');
    expect(await counts.increment('b')).toMatchObject({ totalHits: 2 });
    expect(await counts.increment('a')).toMatchObject({ totalHits: 1 });
  });
});
