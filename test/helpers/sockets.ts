import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { callApi, SITE_KEY } from './api.ts';

const frame = z.looseObject({
  type: z.string(),
  for: z.string().optional(),
  event: z.string().optional(),
  id: z.string().optional(),
  text: z.string().optional(),
  answer: z.string().optional(),
  truncated: z.boolean().optional(),
  retry_after: z.number().optional(),
  error: z
    .strictObject({
      code: z.string(),
      message: z.string(),
      detail: z.string().optional(),
      request_id: z.string(),
    })
    .optional(),
});
/** What a client is told. */
export type Frame = z.output<typeof frame>;

/** How a socket was closed. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface Client {
  readonly ws: WebSocket;
  /** The headers of the handshake's answer. */
  readonly headers: Readonly<Record<string, unknown>>;
  send(value: unknown): void;
  /** The next frame that is no ping. @throws Error where the socket closes before. */
  next(): Promise<Frame>;
  /** Frames up to one for which `isLast` holds; absent: to the end of a turn. */
  until(isLast?: (frame: Frame) => boolean): Promise<Frame[]>;
  readonly closed: Promise<Closed>;
  /** Ping frames so far. */
  pings(): number;
}

export interface Opening {
  readonly token?: string | undefined;
  /** Absent: the token goes as `?token=`. */
  readonly protocols?: string[];
  readonly headers?: Record<string, string>;
  /** false: pings are not answered, as by a peer that is gone. */
  readonly autoPong?: boolean;
}

export const socketUrl = (service: { url: string }, token?: string): string => {
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
  return `${service.url.replace('http', 'ws').replace('localhost', '127.0.0.1')}/api/chat/ws${query}`;
};

/** Opens a socket; resolves when it is open. */
export const openSocket = async (service: { url: string }, opening: Opening = {}): Promise<Client> => {
  const { token, protocols = [], headers = {}, autoPong = true } = opening;
  const ws = new WebSocket(socketUrl(service, token), protocols, {
    headers,
    autoPong,
    perMessageDeflate: true,
  });
  onTestFinished(() => ws.terminate());
  const frames: Frame[] = [];
  let pings = 0;
  let wake = (): void => undefined;
  let closedAs: Closed | undefined;
  const closed = new Promise<Closed>((resolve) => {
    ws.on('close', (code, reason) => {
      closedAs = { code, reason: String(reason) };
      resolve(closedAs);
      wake();
    });
  });
  ws.on('message', (data) => {
    const told = frame.parse(JSON.parse(String(data)));
    if (told.type === 'ping') pings += 1;
    else frames.push(told);
    wake();
  });
  const next = async (): Promise<Frame> => {
    for (;;) {
      const told = frames.shift();
      if (told) return told;
      if (closedAs) throw new Error(`closed: ${closedAs.code} ${closedAs.reason}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  let answered: Record<string, unknown> = {};
  ws.once('upgrade', (response) => {
    answered = response.headers;
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve());
    ws.on('error', reject);
  });
  return {
    ws,
    headers: answered,
    closed,
    pings: () => pings,
    send: (value) => ws.send(typeof value === 'string' ? value : JSON.stringify(value)),
    next,
    until: async (isLast = ({ type }) => type === 'done' || type === 'error') => {
      const all: Frame[] = [];
      for (;;) {
        const told = await next();
        all.push(told);
        if (isLast(told)) return all;
      }
    },
  };
};

/** A token of a new anonymous session; with a name, one that the site has verified. */
export const tokenFor = async (service: { url: string }, user_id?: string): Promise<string> => {
  const named = user_id === undefined ? {} : { bearer: SITE_KEY, json: { user_id } };
  const { body } = await callApi(service, 'POST', '/api/session', named);
  if (body.session_token === undefined) throw new Error('no session');
  return body.session_token;
};
