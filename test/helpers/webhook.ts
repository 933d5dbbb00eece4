import { createServer, type IncomingHttpHeaders } from 'node:http';
import { atEnd } from './at-end.ts';

export interface Hook {
  readonly url: string;
  /** What was posted, as it came. */
  readonly calls: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
}

/** A site's own server that a function of the assistant is called at. It ends with the test. */
export const startHook = async (
  answer: (body: string) => string | { status: number; text: string } | Promise<string>,
): Promise<Hook> => {
  const calls: Hook['calls'] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    calls.push({ headers: request.headers, body });
    const told = await answer(body);
    if (typeof told === 'string') response.end(told);
    else response.writeHead(told.status).end(told.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/hook`, calls };
};
