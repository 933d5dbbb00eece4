import { gunzipSync } from 'node:zlib';

const MAX_XML = 50 * 1024 * 1024;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The text of a sitemap, which may be packed. */
const textOf = (bytes: Uint8Array): string => {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return new TextDecoder().decode(isPacked ? gunzipSync(bytes, { maxOutputLength: MAX_XML }) : bytes);
};

/**
 * The addresses in a sitemap, or in an index of sitemaps. No XML parser: none of what makes XML dangerous is read.
 * @see https://www.sitemaps.org/protocol.html
 */
export const readSitemap = (bytes: Uint8Array): { isIndex: boolean; addresses: string[] } | undefined => {
  let text: string;
  try {
    text = textOf(bytes);
  } catch {
    return undefined;
  }
  const head = text.slice(0, 2_000);
  const isIndex = /<sitemapindex[\s>]/.test(head);
  if (!isIndex && !/<urlset[\s>]/.test(head)) return undefined;
  const found = text.matchAll(/<loc>\s*(?:<!\[CDATA\[)?\s*([^<\s\]]{1,2000})/g);
  const addresses = [...found].map(([, address = '']) =>
    address.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? ''),
  );
  return { isIndex, addresses };
};
