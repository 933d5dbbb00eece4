import { createHash, randomUUID } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { z } from 'zod';
import { bundleWidget, WIDGET_SOURCES } from './bundle.ts';

/** A file of the widget, ready to be sent. */
export interface Asset {
  readonly path: string;
  /** A strong entity tag, the same for the same bytes. */
  readonly etag: string;
  readonly bodies: Readonly<Record<'identity' | 'gzip' | 'br', Uint8Array<ArrayBuffer>>>;
}

/** The widget's files, by path. */
export type Assets = ReadonlyMap<string, Asset>;

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** Where a build is kept, in a folder by what it was made of. */
const BUILDS = path.join(ROOT, 'dist/widget');
/** The build that comes with the published package, which has no sources to build from. */
const SHIPPED = path.join(BUILDS, 'shipped');

const inGzip = promisify(gzip);
const inBrotli = promisify(brotliCompress);

const kept = z.array(z.object({ path: z.string(), etag: z.string(), file: z.string() }));

/** Tells whether a build is of these sources: a hash of all that it is made of. */
const sourceHash = async (): Promise<string> => {
  const files = globSync('**/*.{ts,css,json}', { cwd: WIDGET_SOURCES }).toSorted();
  const all = [
    ...files.map((file) => path.join(WIDGET_SOURCES, file)),
    path.join(import.meta.dirname, 'bundle.ts'),
  ];
  const hash = createHash('sha256');
  for (const file of [...all, path.join(ROOT, 'package.json')]) {
    hash
      .update(path.relative(ROOT, file))
      .update('\0')
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
};

const build = async (): Promise<Asset[]> =>
  Promise.all(
    (await bundleWidget()).map(async ({ path, text }) => {
      const identity = new TextEncoder().encode(text);
      const [zipped, brotli] = await Promise.all([inGzip(identity, { level: 9 }), inBrotli(identity)]);
      const etag = createHash('sha256').update(identity).digest('base64url').slice(0, 22);
      return { path, etag, bodies: { identity, gzip: new Uint8Array(zipped), br: new Uint8Array(brotli) } };
    }),
  );

const ENDINGS = { identity: '', gzip: '.gz', br: '.br' } as const;

const writeAll = async (folder: string, assets: readonly Asset[]): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const index: z.input<typeof kept> = [];
  for (const { path: at, etag, bodies } of assets) {
    const file = at.slice(1).replaceAll('/', '~');
    index.push({ path: at, etag, file });
    await writeFile(path.join(folder, file), bodies.identity);
    await writeFile(path.join(folder, `${file}${ENDINGS.gzip}`), bodies.gzip);
    await writeFile(path.join(folder, `${file}${ENDINGS.br}`), bodies.br);
  }
  await writeFile(path.join(folder, 'index.json'), JSON.stringify(index));
};

/** Keeps a build for the next start. Other processes may do the same at this moment: whoever is first wins. */
const keep = async (folder: string, assets: readonly Asset[]): Promise<void> => {
  const draft = `${folder}.${randomUUID()}`;
  try {
    await writeAll(draft, assets);
    await rename(draft, folder).catch(() => undefined);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  const others = (await readdir(BUILDS)).filter((name) => /^[0-9a-f]{16}$/.test(name));
  for (const name of others.filter((name) => name !== path.basename(folder))) {
    await rm(path.join(BUILDS, name), { recursive: true, force: true });
  }
};

/** @throws where there is no such build. */
const readKept = async (folder: string): Promise<Asset[]> => {
  const index = kept.parse(JSON.parse(await readFile(path.join(folder, 'index.json'), 'utf8')));
  const read = async (file: string): Promise<Uint8Array<ArrayBuffer>> =>
    new Uint8Array(await readFile(path.join(folder, file)));
  return Promise.all(
    index.map(async ({ path: at, etag, file }) => ({
      path: at,
      etag,
      bodies: {
        identity: await read(file),
        gzip: await read(`${file}${ENDINGS.gzip}`),
        br: await read(`${file}${ENDINGS.br}`),
      },
    })),
  );
};

/** Where the build of the sources as they are now is kept. */
const currentFolder = async (): Promise<string> => path.join(BUILDS, await sourceHash());

/** Builds the widget and keeps it. @returns How many files it is. @throws where it cannot be built or kept. */
export const buildAssets = async (): Promise<number> => {
  const folder = await currentFolder();
  await keep(folder, await build());
  return (await readKept(folder)).length;
};

/** Builds the widget's files into a folder, for a package that carries no sources. */
export const shipAssets = async (folder: string): Promise<void> => writeAll(folder, await build());

const load = async (): Promise<Assets> => {
  const shipped = await readKept(SHIPPED).catch(() => undefined);
  if (shipped) return new Map(shipped.map((asset) => [asset.path, asset]));
  const folder = await currentFolder();
  const known = await readKept(folder).catch(() => undefined);
  const assets = known ?? (await build());
  // A folder that may not be written to costs the next start the build, and nothing else.
  if (!known) await keep(folder, assets).catch(() => undefined);
  return new Map(assets.map((asset) => [asset.path, asset]));
};

let loaded: Promise<Assets> | undefined;

/**
 * The widget's files: those that were built before, else built now (some 200 ms) and kept, where the disk allows it.
 * A process loads them once.
 * @throws where they are not built and cannot be.
 */
export const loadAssets = (): Promise<Assets> => {
  loaded ??= load();
  return loaded;
};
