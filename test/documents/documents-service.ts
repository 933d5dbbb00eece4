import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, vi } from 'vitest';
import { startBoth, temporaryFolder } from '../helpers/service.ts';

/** A page with an address, and how its passage begins. */
export const SHIPPING =
  '---\nurl: https://shop.example/shipping\n---\n# Shipping\n\nParcels to Austria cost 4.90 euros and take three days.';

/** A folder of documents. */
const folderOf = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const dir = path.join(await temporaryFolder(), 'documents');
  await mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text);
  return dir;
};

/** A service that has read a folder of documents. */
export const startWith = async (
  files: Readonly<Record<string, string>>,
  options: Parameters<typeof startBoth>[0] = {},
) => {
  const dir = await folderOf(files);
  const both = await startBoth({ ...options, env: { DOCUMENTS_DIR: dir, ...options.env } });
  const read = () =>
    both.service.lines.filter(({ msg }) => msg === 'the folder of documents was read').length;
  await vi.waitFor(() => expect(read()).toBe(1), { timeout: 20_000, interval: 20 });
  return { ...both, folder: dir };
};
