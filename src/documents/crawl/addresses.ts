import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** A start address, or what it leads to, is not to be asked. */
export class RefusedAddress extends Error {}

type Subnets = readonly [address: string, prefix: number, family: 'ipv4' | 'ipv6'][];

const listOf = (subnets: Subnets): BlockList => {
  const list = new BlockList();
  for (const [address, prefix, family] of subnets) list.addSubnet(address, prefix, family);
  return list;
};

/** Of IPv4, all that is not for the world; of IPv6, what is the world's. An IPv4-mapped address counts as IPv4. */
const privateList = listOf([
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
]);
const global = listOf([['2000::', 3, 'ipv6']]);
/** Within it: IETF protocols (Teredo among them), documentation, and 6to4, which carries any IPv4 address. */
const reserved = listOf([
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['3fff::', 20, 'ipv6'],
]);
const mapped = listOf([['::ffff:0:0', 96, 'ipv6']]);
const loopback = listOf([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
]);

const isIn = (list: BlockList, address: string): boolean =>
  list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

export const isLoopback = (address: string): boolean => isIn(loopback, address);

/** An address that belongs to a network, not to the world. */
export const isPrivate = (address: string): boolean =>
  isIP(address) === 6 && !isIn(mapped, address)
    ? !isIn(global, address) || isIn(reserved, address)
    : isIn(privateList, address);

/** Looks up the addresses of a name. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>;

const lookUp: Lookup = (host) => lookup(host, { all: true });

/**
 * Resolves a host to an address that may be asked; the caller connects to just that one, so that no second answer
 * of the DNS leads elsewhere.
 * @param isLoopbackNamed The owner has named a loopback address himself.
 * @throws RefusedAddress
 */
export const resolvePublic = async (
  host: string,
  isLoopbackNamed: boolean,
  names: Lookup = lookUp,
): Promise<{ address: string; family: 4 | 6 }> => {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(bare) ? [{ address: bare }] : await names(bare).catch(() => []);
  const [first] = found;
  if (!first) throw new RefusedAddress(`${bare} cannot be found`);
  // Of several addresses one that is refused is enough: a name of both is a trick, or a mistake.
  if (found.some(({ address }) => (isLoopback(address) ? !isLoopbackNamed : isPrivate(address)))) {
    throw new RefusedAddress(`${bare} is an address of a private network`);
  }
  return { address: first.address, family: isIP(first.address) === 6 ? 6 : 4 };
};
