/** One message to a target, over node:http with connections that are kept. */

import { Agent, type IncomingMessage, request } from 'node:http';
import { runFields } from './bare-run.ts';

/** Who is called, and in which form. */
export interface Target {
  readonly url: string;
  /**
   * `upstream`: the emulator itself. `json`, `stream`, `socket`: the service's forms. `read`, `pipe`: the baseline's.
   * `ui-stream`: the AI SDK's. `gateway`, `gateway-stream`: a gateway's, which hands the upstream's own answer on.
   */
  readonly form:
    | 'upstream'
    | 'json'
    | 'stream'
    | 'socket'
    | 'read'
    | 'pipe'
    | 'ui-stream'
    | 'gateway'
    | 'gateway-stream';
  /** What the service's answer must say, every word of it. */
  readonly answer: string;
  /** What a caller has to send beside the message: a gateway is told its upstream with each call. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What became of a call; times in milliseconds from its sending. */
export interface Called {
  readonly ms: number;
  /** Until the first word, where the form streams. */
  readonly firstMs: number | undefined;
  /** Why the answer is not what it should be; absent: it is. */
  readonly fault?: string;
}

const CALL_TIMEOUT_MS = 30_000;

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, scheduling: 'lifo' });
const conversations = new Map<string, string>();

/** The forms that are one request, with one response. */
export type HttpTarget = Target & { readonly form: Exclude<Target['form'], 'socket'> };

const PATHS = {
  upstream: '/responses',
  json: '/api/chat',
  stream: '/api/chat',
  read: '/read',
  pipe: '/pipe',
  'ui-stream': '/api/chat',
  gateway: '/v1/responses',
  'gateway-stream': '/v1/responses',
} as const;

/** The mark of the first word. */
const FIRST_WORD = {
  upstream: 'response.output_text.delta',
  stream: 'event: delta',
  json: undefined,
  read: undefined,
  pipe: undefined,
  'ui-stream': '"type":"text-delta"',
  gateway: undefined,
  'gateway-stream': 'response.output_text.delta',
};

const IS_STREAM = new Set<Target['form']>(['stream', 'ui-stream', 'gateway-stream']);

const bodyFor = (form: HttpTarget['form'], visitor: string): object => {
  const message = `Hello, this is ${visitor}. What do you say to that?`;
  const isGateway = form === 'gateway' || form === 'gateway-stream';
  if (form !== 'upstream' && !isGateway) return { user_id: visitor, message };
  return {
    ...(!isGateway && { conversation: conversations.get(visitor) }),
    ...runFields(visitor, message),
    stream: form !== 'gateway',
  };
};

const said = (events: string): string =>
  Array.from(
    events.matchAll(/^event: delta\n.*\ndata: (.*)$/gm),
    ([, data = '{}']) => JSON.parse(data).text,
  ).join('');

const faultOf = (target: HttpTarget, status: number | undefined, text: string): string | undefined => {
  if (status !== 200) return `status ${status}: ${text.slice(0, 200)}`;
  switch (target.form) {
    case 'upstream':
    case 'pipe':
    case 'gateway-stream':
      return text.includes('event: response.completed') ? undefined : 'no response.completed';
    case 'json':
    case 'gateway':
      return text.includes(target.answer) ? undefined : `another answer: ${text.slice(0, 200)}`;
    case 'ui-stream':
      return text.includes('"type":"finish"') ? undefined : `no finish: ${text.slice(-200)}`;
    case 'read':
      return undefined;
    case 'stream':
      if (!text.includes('\nevent: done\n')) return `no done: ${text.slice(-200)}`;
      return said(text) === target.answer ? undefined : `other words: ${said(text)}`;
  }
};

const post = (
  url: URL,
  body: object,
  more: Readonly<Record<string, string>>,
  onResponse: (response: IncomingMessage) => void,
) => {
  const bytes = Buffer.from(JSON.stringify(body));
  const headers = { 'Content-Type': 'application/json', 'Content-Length': bytes.length, ...more };
  const sent = request(url, { agent, method: 'POST', headers, timeout: CALL_TIMEOUT_MS }, onResponse);
  sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
  sent.end(bytes);
  return sent;
};

/** @param onFirst Called when the first byte of a stream is there. */
export const call = (target: HttpTarget, visitor: string, onFirst = () => {}): Promise<Called> =>
  new Promise((resolve) => {
    const began = performance.now();
    let firstMs: number | undefined;
    const end = (fault?: string): void => {
      const ms = performance.now() - began;
      resolve({ ms, firstMs, ...(fault !== undefined && { fault }) });
    };
    const fail = (error: Error): void => end(error.message);
    const accept = IS_STREAM.has(target.form) ? 'text/event-stream' : 'application/json';
    const mark = FIRST_WORD[target.form];
    const onResponse = (response: IncomingMessage): void => {
      let text = '';
      response.setEncoding('latin1');
      response.once('data', onFirst);
      response.on('data', (chunk: string) => {
        text += chunk;
        if (firstMs === undefined && mark && text.includes(mark)) firstMs = performance.now() - began;
      });
      response.once('end', () => end(faultOf(target, response.statusCode, text)));
      response.once('error', fail);
    };
    const body = bodyFor(target.form, visitor);
    const headers = { Accept: accept, ...target.headers };
    const send = (): void => {
      const sent = post(new URL(target.url + PATHS[target.form]), body, headers, onResponse);
      // A kept connection that the server closed at this very moment: the call was not heard, and goes again.
      sent.once('error', (error) =>
        sent.reusedSocket && 'code' in error && error.code === 'ECONNRESET' ? send() : fail(error),
      );
    };
    send();
  });

/** Makes a visitor's conversation at the emulator, where it is called directly. */
export const makeConversation = (url: string, visitor: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage): void => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => {
        conversations.set(visitor, JSON.parse(text).id);
        resolve();
      });
    };
    post(new URL(`${url}/conversations`), {}, {}, onResponse).once('error', reject);
  });
