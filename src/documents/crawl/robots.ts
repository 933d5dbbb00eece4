import robotsParser from 'robots-parser';
import { type GetOptions, getPage, USER_AGENT } from './get-page.ts';

const MAX_ROBOTS_BYTES = 512 * 1024;
const MAX_DELAY_MS = 10_000;

/** What a site's robots.txt allows. */
export interface Robots {
  allows(url: string): boolean;
  /** Milliseconds that it wants between two calls. */
  readonly delay: number;
}

interface ParsedRobots {
  isAllowed(url: string, agent?: string): boolean | undefined;
  getCrawlDelay(agent?: string): number | undefined;
}

/** The package's types are those of another module form than it is. */
const parse = robotsParser as unknown as (url: string, text: string) => ParsedRobots;

/**
 * Reads a site's robots.txt. One that is not there allows all; one that cannot be read allows nothing.
 * @see https://www.rfc-editor.org/rfc/rfc9309
 */
export const readRobots = async (
  options: Omit<GetOptions, 'maxBytes' | 'etag'>,
): Promise<Robots | string> => {
  const url = `${options.origin}/robots.txt`;
  const fetched = await getPage(url, { ...options, maxBytes: MAX_ROBOTS_BYTES });
  if (fetched.type === 'refused') {
    // Told for a client, such as 401 or 403: there are no rules for us.
    if (/answered with 4/.test(fetched.reason)) return { allows: () => true, delay: 0 };
    return `its robots.txt ${fetched.reason}`;
  }
  if (fetched.type !== 'page') return { allows: () => true, delay: 0 };
  const robots = parse(url, new TextDecoder().decode(fetched.bytes));
  return {
    allows: (page) => robots.isAllowed(page, USER_AGENT) !== false,
    delay: Math.min(MAX_DELAY_MS, (robots.getCrawlDelay(USER_AGENT) ?? 0) * 1_000),
  };
};
