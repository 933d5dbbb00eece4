import { BlockList, isIP } from 'node:net';

/** Tells whether an address is in some ranges; IPv4 addresses also in the form that IPv6 sockets give them. */
export type AddressMatch = (address: string | undefined) => boolean;

/** @param ranges Addresses and CIDRs, such as `10.0.0.0/8`. */
export const createAddressMatch = (ranges: readonly string[]): AddressMatch => {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return (address) => {
    const version = isIP(address ?? '');
    return address !== undefined && version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
};

/** Whether a URL's host name is this machine's own: nobody else can serve a page under it. */
export const isLoopbackHost = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
