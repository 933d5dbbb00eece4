/** One message to the service over a WebSocket of its own. */

import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Called, Target } from './call.ts';

const CALL_TIMEOUT_MS = 60_000;

/** A visitor as a page has it: its session, and where the proxy in front says that it comes from. */
interface Caller {
  readonly token: string;
  readonly address: string;
}

const callers = new Map<string, Caller>();
let sessions = 0;
const session = z.object({ session_token: z.string() });
const frame = z.object({
  type: z.string(),
  text: z.string().optional(),
  answer: z.string().optional(),
  error: z.object({ code: z.string() }).optional(),
});

/** Begins a visitor's session, so that its socket can be opened. */
export const makeSession = async (url: string, visitor: string): Promise<void> => {
  const n = sessions++;
  const address = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
  const headers = { 'X-Forwarded-For': address };
  const response = await fetch(`${url}/api/session`, { method: 'POST', headers });
  callers.set(visitor, { token: session.parse(await response.json()).session_token, address });
};

/** @param onFirst Called when the first frame is there. */
export const callSocket = (target: Target, visitor: string, onFirst: () => void): Promise<Called> =>
  new Promise((resolve) => {
    const began = performance.now();
    const caller = callers.get(visitor);
    const url = `${target.url.replace('http', 'ws')}/api/chat/ws`;
    const ws = new WebSocket(url, ['thread-proxy', caller?.token ?? 'none'], {
      headers: { 'X-Forwarded-For': caller?.address ?? '' },
      perMessageDeflate: false,
    });
    let isFirst = true;
    let firstMs: number | undefined;
    let said = '';
    const end = (fault?: string): void => {
      clearTimeout(timer);
      ws.terminate();
      resolve({ ms: performance.now() - began, firstMs, ...(fault !== undefined && { fault }) });
    };
    const timer = setTimeout(() => end('no answer in time'), CALL_TIMEOUT_MS);
    ws.once('open', () => {
      const message = `Hello, this is ${visitor}. What do you say to that?`;
      ws.send(JSON.stringify({ type: 'message', id: crypto.randomUUID(), message }));
    });
    ws.on('message', (data) => {
      if (isFirst) onFirst();
      isFirst = false;
      const { type, text = '', answer, error } = frame.parse(JSON.parse(String(data)));
      if (type === 'delta') firstMs ??= performance.now() - began;
      said += text;
      if (type === 'error') end(`error ${error?.code}`);
      if (type !== 'done') return;
      end(said === target.answer && answer === said ? undefined : `other words: ${said}`);
    });
    ws.once('error', (error) => end(error.message));
    ws.once('close', (code) => end(`closed: ${code}`));
  });
