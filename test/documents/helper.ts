import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteIndex } from '../../src/documents/index/open-sqlite-index.ts';
import { createLibrary } from '../../src/documents/library.ts';
import { createParser } from '../../src/documents/parsers/parser.ts';
import { temporaryFolder } from '../helpers/service.ts';

/** An empty library with its index, in a folder that goes with the test. */
export const openLibrary = async () => {
  const dir = await temporaryFolder();
  const index = await openSqliteIndex(path.join(dir, 'documents.db'));
  const parser = createParser();
  onTestFinished(async () => {
    parser.close();
    await index.close();
  });
  return { dir, index, parser, library: createLibrary({ index, parser, clock: { now: () => Date.now() } }) };
};

type Answer =
  | string
  | { status?: number; headers?: Record<string, string>; body?: string | Uint8Array }
  | 'never';

/** A web site: its answers by path, and what it was asked. */
export const startSite = async (
  answer: (path: string, request: IncomingMessage, response: ServerResponse) => Answer | undefined,
) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const target = request.url ?? '/';
    asked.push(target);
    const given = answer(target, request, response);
    if (given === 'never') return;
    const {
      status = given === undefined ? 404 : 200,
      headers = {},
      body = '',
    } = typeof given === 'string' ? { body: given } : (given ?? {});
    response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', ...headers });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked };
};

/** A page with a heading, words, and links. */
export const page = (title: string, links: readonly string[] = [], head = ''): string =>
  `<html lang="en"><head><title>${title}</title>${head}</head><body><main><h1>${title}</h1><p>All about ${title}, in some words.</p>${links.map((link) => `<a href="${link}">${link}</a>`).join(' ')}</main></body></html>`;

export const all = async <T>(results: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const result of results) list.push(result);
  return list;
};
