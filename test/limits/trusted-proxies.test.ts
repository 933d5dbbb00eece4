import { expect, it } from 'vitest';
import { createAddressMatch, isLoopbackHost } from '../../src/limits/trusted-proxies.ts';

const matches = createAddressMatch(['127.0.0.0/8', '203.0.113.7', 'fe80::/10', '2001:db8::1']);

it.each([
  '127.0.0.1',
  '127.255.0.9',
  '203.0.113.7',
  '::ffff:203.0.113.7',
  'fe80::1',
  'fe80::1%eth0',
  '2001:db8::1',
])('%s is one of the addresses and ranges that were named', (address) => expect(matches(address)).toBe(true));

it.each(['128.0.0.1', '203.0.113.8', '::ffff:203.0.113.8', '::1', '2001:db8::2', 'nonsense', '', undefined])(
  '%s is not',
  (address) => expect(matches(address)).toBe(false),
);

it('a host name is of this machine only where nobody else can serve a page under it', () => {
  for (const name of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]'])
    expect(isLoopbackHost(name)).toBe(true);
  for (const name of ['localhost.example', 'notlocalhost', '127.0.0.1.example', '[::2]', '128.0.0.1'])
    expect(isLoopbackHost(name)).toBe(false);
});
