import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** A start address, or what it leads to, is not to be asked. */
export class RefusedAddress extends Error {}

const PRIVATE: readonly [address: string, prefix: number, family: 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];
const privateList = new BlockList();
for (const [address, prefix, family] of PRIVATE) privateList.addSubnet(address, prefix, family);
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** An address without what maps IPv4 into IPv6. */
const plain = (address: string): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;

const isIn = (list: BlockList, address: string): boolean =>
  list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

export const isLoopback = (address: string): boolean => isIn(loopback, plain(address));

/** An address that belongs to a network, not to the world. IPv4 inside IPv6 counts as what it is. */
export const isPrivate = (address: string): boolean => {
  const bare = plain(address);
  return (
    isIn(privateList, bare) || (bare.startsWith('::ffff:') && !bare.includes('.')) || isIn(loopback, bare)
  );
};

/**
 * Resolves a host to an address that may be asked; the caller connects to just that one, so that no second answer
 * of the DNS leads elsewhere.
 * @param isLoopbackNamed The owner has named a loopback address himself.
 * @throws RefusedAddress
 */
export const resolvePublic = async (
  host: string,
  isLoopbackNamed: boolean,
): Promise<{ address: string; family: 4 | 6 }> => {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(bare) ? [{ address: bare }] : await lookup(bare, { all: true }).catch(() => []);
  const allowed = found.find(({ address }) => (isLoopback(address) ? isLoopbackNamed : !isPrivate(address)));
  if (found.length === 0) throw new RefusedAddress(`${bare} cannot be found`);
  if (
    !allowed ||
    found.some(({ address }) => isPrivate(address) && !(isLoopback(address) && isLoopbackNamed))
  ) {
    throw new RefusedAddress(`${bare} is an address of a private network`);
  }
  return { address: allowed.address, family: isIP(allowed.address) === 6 ? 6 : 4 };
};
