import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** The published packages; `npm ci` in this folder brings them. */
export const PACKAGES = path.join(import.meta.dirname, 'node_modules');
export const ARE_INSTALLED = existsSync(path.join(PACKAGES, 'deep-chat'));

const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
};

/**
 * A site of another origin than the service's, with a bubble on its page.
 * @param page.script The module that sets the bubble up; packages are below `/packages/`.
 * @param page.bundle What `/bundle.js` is.
 */
export const startBubblePage = async (page: {
  readonly body?: string;
  readonly script: string;
  readonly bundle?: string;
}): Promise<string> => {
  const text = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title></head><body><h1>A shop</h1>${page.body ?? ''}<script type="module">${page.script}</script></body></html>`;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/') return void response.writeHead(200, { 'Content-Type': 'text/html' }).end(text);
    if (pathname === '/bundle.js') {
      return void response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(page.bundle);
    }
    const file = path.join(PACKAGES, path.normalize(pathname.replace('/packages/', '/')));
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://localhost:${address.port}/`;
};
