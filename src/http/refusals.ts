import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AppError, bodyTooLarge, invalidRequest } from '../errors.ts';
import { errorBody } from './failures.ts';

/**
 * What is refused before it is a request that routes could see. These refusals have our form, too, and a request id.
 */

/** What Node's parser has against some bytes, by the code of its error; 400 for all others. */
const PARSER_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const MESSAGES: Readonly<Record<number, string>> = {
  400: 'This is not a valid HTTP request.',
  408: 'The request took too long to arrive.',
  417: 'What the request expects cannot be met.',
  431: 'The headers of the request are too large.',
};

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const refusalOf = (status: number, error: AppError): Refusal => {
  const requestId = randomUUID();
  const body = JSON.stringify(errorBody(error, { requestId, acceptLanguage: undefined }));
  return {
    status,
    body,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      'X-Request-Id': requestId,
      Connection: 'close',
    },
  };
};

const byStatus = (status: number): Refusal =>
  refusalOf(
    status,
    status === 413 ? bodyTooLarge() : invalidRequest(MESSAGES[status] ?? MESSAGES[400] ?? ''),
  );

/** Answers bytes that are no request, and closes. @param code What Node's parser called it. */
export const refuseBytes = (socket: Duplex, code: string | undefined): void => {
  const { status, headers, body } = byStatus(PARSER_STATUS[code ?? ''] ?? 400);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () =>
    socket.destroy(),
  );
};

const refuse = (response: ServerResponse, { status, headers, body }: Refusal): void => {
  response.writeHead(status, headers).end(body);
};

/** Answers a request that expects what we cannot do. */
export const refuseExpectation = (_: IncomingMessage, response: ServerResponse): void =>
  refuse(response, byStatus(417));

/** Answers a request whose Host header names no host. */
export const refuseHost = (response: ServerResponse): void =>
  refuse(response, refusalOf(400, invalidRequest('The Host header is not valid.')));

/**
 * Whether a request says for which host it is. HTTP/1.0 need not: load balancers ask so how we are.
 * A name that no URL can have (`a.1`, `08`) would fail later, and take path and query into the log.
 */
export const hasGoodHost = ({ headers: { host }, httpVersion }: IncomingMessage): boolean =>
  host ? URL.canParse(`http://${host}/`) : httpVersion === '1.0';
