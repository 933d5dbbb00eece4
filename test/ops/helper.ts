import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { startEmulator, startService, upstreamEnv } from '../helpers/service.ts';

export const OPS_TOKEN = 'ops-token-of-the-tests-0123456789abcdef';
export const asOps = { Authorization: `Bearer ${OPS_TOKEN}` };

/** An emulator, and the service in front of it with the operators' routes open. */
export const startOps = async (env: Record<string, string> = {}) => {
  const emulator = await startEmulator();
  const service = await startService({ ...upstreamEnv(emulator), OPS_TOKEN, ...env });
  const get = (route: string, headers: Record<string, string> = asOps) =>
    fetch(service.url + route, { headers, redirect: 'manual' });
  return {
    ...{ emulator, service, get },
    /** The text of a page, as an operator gets it. */
    page: async (route: string) => (await get(route)).text(),
  };
};

/** Every file below a folder that has the bytes of a text in it. */
export const filesWith = async (dir: string, text: string): Promise<string[]> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    // A temporary file may be gone by now.
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    if (bytes.includes(text)) found.push(path.relative(dir, file));
  }
  return found;
};

/** Signs in with the token, as the page's form does. @returns The headers that the browser sends from then on. */
export const signIn = async (url: string): Promise<{ Cookie: string }> => {
  const answer = await fetch(`${url}/ops/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ token: OPS_TOKEN }),
  });
  return { Cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' };
};

/** The mark against forgery that the forms of a page carry. */
export const csrfIn = (page: string): string => /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
