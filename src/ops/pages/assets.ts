import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Assets } from './layout.ts';

/** A file of the pages, as it is served. */
export interface AssetFile {
  readonly type: string;
  readonly body: string;
}

const FILES = {
  style: ['style.css', 'text/css; charset=utf-8'],
  script: ['script.js', 'text/javascript; charset=utf-8'],
  icon: ['icon.svg', 'image/svg+xml'],
} as const;

/** Style, script and icon, under names that change with their content. */
export const loadPageAssets = (): { paths: Assets; files: ReadonlyMap<string, AssetFile> } => {
  const files = new Map<string, AssetFile>();
  const add = ([name, type]: (typeof FILES)[keyof typeof FILES]): string => {
    const body = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 12);
    const path = `/ops/assets/${hash}-${name}`;
    files.set(path, { type, body });
    return path;
  };
  return { paths: { style: add(FILES.style), script: add(FILES.script), icon: add(FILES.icon) }, files };
};
