import { isIP } from 'node:net';

/** What a request tells of where it came from. */
export interface RequestOrigin {
  /** The socket's remote address. */
  readonly socketAddress: string | undefined;
  /** The `X-Forwarded-For` header. */
  readonly forwardedFor: string | undefined;
}

/**
 * The client's address, as the limits count it: IPv4 as it is, IPv6 by its /64 (a household or a server has at
 * least that many), IPv4 mapped into IPv6 as the IPv4.
 *
 * Each of our proxies appends the address that it saw, so with `trusted` proxies the client is the entry at that
 * place counted from the right; everything to the left of it may be made up. With too few entries, or a garbled
 * one, the socket's address counts.
 * @param trusted How many proxies stand in front.
 */
export const clientAddress = (origin: RequestOrigin, trusted: number): string => {
  const entries = (origin.forwardedFor ?? '').split(',').map((entry) => entry.trim());
  const forwarded = trusted > 0 ? normalised(entries.at(-trusted)) : undefined;
  return forwarded ?? normalised(origin.socketAddress) ?? 'unknown';
};

/** `203.0.113.7`, `2001:db8:1:2::/64`; undefined for what is no address. Takes ports and brackets, as some proxies write them. */
const normalised = (text: string | undefined): string | undefined => {
  const bare = text
    ?.replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/%.*$/, '');
  if (!bare) return undefined;
  const family = isIP(bare);
  if (family === 4) return bare;
  if (family !== 6) return undefined;
  const groups = ipv6Groups(bare);
  const [high, low] = groups.slice(6);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped && high !== undefined && low !== undefined) {
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
};

/** The eight 16-bit groups of a valid IPv6 address. */
const ipv6Groups = (address: string): number[] => {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = dotted
    ? dotted[1] +
      [1, 3].map((i) => ((Number(dotted[i + 1]) << 8) | Number(dotted[i + 2])).toString(16)).join(':')
    : address;
  const [left = '', right] = hex.split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const head = parse(left);
  const tail = right === undefined ? [] : parse(right);
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
};
