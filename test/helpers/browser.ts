import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, describe, onTestFinished } from 'vitest';
import { z } from 'zod';

/**
 * A real browser for tests: `CHROMIUM_PATH`, else the one of the package @sparticuz/chromium (Linux on x86-64). Where
 * neither runs, the suite is skipped and says why.
 */

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Any site there is in tests is on this machine, and no other site can be reached.
  '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

/** Shapes of a page that a test may ask for. */
export interface PageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** A phone: touch, no hover, mobile viewport. */
  readonly isPhone?: boolean;
  readonly locale?: string;
  /** Where the reader is: an IANA name. */
  readonly timeZone?: string;
  readonly reducedMotion?: 'reduce' | 'no-preference';
  /** Share of the size at which a page is shown: 2 is a zoom of 200 %. */
  readonly zoom?: number;
}

/** A page with what went wrong on it. */
export interface TestPage {
  readonly page: Page;
  /** Errors that nobody caught, and what the console said of errors. */
  readonly errors: readonly string[];
  /** The URLs of all requests so far, data: and blob: aside. */
  readonly requests: readonly string[];
  /** Those that went to a host and port which is none of these URLs'. */
  foreignRequests(own: readonly string[]): string[];
}

/** Opens pages; all of a test share nothing, unless they are asked for together. */
export interface TestBrowser {
  /** A page in a profile of its own. It is closed with the test. */
  newPage(options?: PageOptions): Promise<TestPage>;
  /** Pages of one profile: tabs of one visitor. */
  newTabs(count: number, options?: PageOptions): Promise<TestPage[]>;
}

/** A suite with a browser, which is started once for it. */
export const describeInBrowser = async (
  title: string,
  body: (browser: TestBrowser) => void,
): Promise<void> => {
  const found = await launched();
  if ('reason' in found) {
    describe.skip(`${title} (skipped: ${found.reason})`, () => body({ newPage: never, newTabs: never }));
    return;
  }
  describe(title, () => {
    afterAll(() => found.browser.close());
    body(pagesOf(found.browser));
  });
};

const never = (): never => {
  throw new Error('there is no browser');
};

const pagesOf = (browser: Browser): TestBrowser => {
  const newTabs = async (count: number, options: PageOptions = {}): Promise<TestPage[]> => {
    const context = await browser.newContext(contextOptions(options));
    context.setDefaultTimeout(10_000);
    onTestFinished(() => context.close());
    return Promise.all(Array.from({ length: count }, async () => watched(await context.newPage())));
  };
  return {
    newTabs,
    newPage: async (options) => {
      const [page] = await newTabs(1, options);
      if (!page) throw new Error('no page was opened');
      return page;
    },
  };
};

const contextOptions = (options: PageOptions): BrowserContextOptions => {
  const { width = 1280, height = 800, zoom = 1, colorScheme = 'light', isPhone = false } = options;
  return {
    // A page that is shown twice as large has half the room.
    viewport: { width: Math.round(width / zoom), height: Math.round(height / zoom) },
    deviceScaleFactor: zoom,
    colorScheme,
    hasTouch: isPhone,
    isMobile: isPhone,
    locale: options.locale ?? 'en-GB',
    ...(options.timeZone !== undefined && { timezoneId: options.timeZone }),
    reducedMotion: options.reducedMotion ?? 'reduce',
  };
};

const watched = (page: Page): TestPage => {
  const errors: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // What a network does is no fault of a page; whoever tests it looks at the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      errors.push(message.text());
    }
  });
  page.on('request', (request) => {
    if (/^(https?|wss?|ftp):/.test(request.url())) requests.push(request.url());
  });
  return {
    page,
    errors,
    requests,
    foreignRequests: (own) => {
      const hosts = own.map((url) => new URL(url).host);
      return requests.filter((url) => !hosts.includes(new URL(url).host));
    },
  };
};

const violations = z.array(
  z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string(), failureSummary: z.string() })) }),
);

/**
 * What axe-core has against a page, a line each; none where it is fine.
 * @param options.only A selector: what else is on the page is not looked at.
 * @param options.rules Only these rules, such as `color-contrast`.
 */
export const axeFaults = async (
  page: Page,
  options: { only?: string; rules?: readonly string[] } = {},
): Promise<string[]> => {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source);
  const scope = options.only === undefined ? 'document' : JSON.stringify({ include: [options.only] });
  const run = JSON.stringify({
    resultTypes: ['violations'],
    ...(options.rules ? { runOnly: options.rules } : { rules: { region: { enabled: !options.only } } }),
  });
  const found: unknown = await page.evaluate(
    `axe.run(${scope}, ${run}).then(({ violations }) => JSON.parse(JSON.stringify(violations)))`,
  );
  return violations
    .parse(found)
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    );
};

type Launched = { readonly browser: Browser } | { readonly reason: string };

const launched = async (): Promise<Launched> => {
  const { CHROMIUM_PATH } = process.env;
  if (CHROMIUM_PATH) return { browser: await chromium.launch({ executablePath: CHROMIUM_PATH, args: ARGS }) };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { reason: `the packaged browser is for Linux on x86-64; set CHROMIUM_PATH` };
  }
  try {
    return { browser: await launchPackaged() };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const missing = /error while loading shared libraries: \S+/.exec(message)?.[0];
    return { reason: `the packaged browser does not run here (${missing ?? message.split('\n')[0]})` };
  }
};

const launchPackaged = async (): Promise<Browser> => {
  const root = path.resolve(
    path.dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')),
    '../..',
  );
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')));
  const folder = path.join(tmpdir(), `thread-proxy-chromium-${version}-${process.getuid?.() ?? 0}`);
  const executablePath = path.join(folder, 'chromium');
  await unpackOnce(path.join(root, 'bin/chromium.br'), executablePath);
  // A headless shell: it knows no other mode.
  const args = [...ARGS, '--headless=old', '--no-zygote', '--disable-webgl'];
  try {
    return await chromium.launch({ executablePath, args });
  } catch (thrown) {
    if (!String(thrown).includes('error while loading shared libraries')) throw thrown;
    // A machine without a desktop: the package brings the libraries that are missing most, and a font.
    for (const name of ['al2023.tar', 'fonts.tar']) {
      const archive = path.join(folder, name);
      await unpackOnce(path.join(root, `bin/${name}.br`), archive);
      execFileSync('tar', ['-xf', archive, '-C', folder]);
    }
    const fonts = path.join(folder, 'own-fonts.conf');
    await writeFile(
      fonts,
      `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}</cachedir></fontconfig>`,
    );
    const env = { ...process.env, LD_LIBRARY_PATH: path.join(folder, 'lib'), FONTCONFIG_FILE: fonts };
    return chromium.launch({ executablePath, args, env });
  }
};

/** The package packs its browser; it is unpacked once a machine, by whichever process comes first. */
const unpackOnce = async (packed: string, target: string): Promise<void> => {
  const isThere = await access(target).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await mkdir(path.dirname(target), { recursive: true });
  const draft = `${target}.${process.pid}`;
  try {
    await pipeline(createReadStream(packed), createBrotliDecompress(), createWriteStream(draft));
    await chmod(draft, 0o755);
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
};
