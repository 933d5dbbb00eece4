import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

/** Connects as clients do whose frames are not ours, and gives each text frame as it comes; the close ends them with its code and reason. */
export const connectPlain = (service: { url: string }, path: string, query: string, headers = {}) => {
  const ws = new WebSocket(`${service.url.replace('http', 'ws')}${path}${query}`, { headers });
  onTestFinished(() => ws.terminate());
  const texts: string[] = [];
  const waiting: ((text: string) => void)[] = [];
  const push = (text: string) => (waiting.shift() ?? ((kept) => texts.push(kept)))(text);
  ws.on('message', (data) => push(String(data)));
  ws.on('close', (code, reason) => push(`closed: ${code} ${reason}`));
  ws.on('error', ({ message }) => push(message));
  const next = () =>
    new Promise<string>((resolve) => {
      const text = texts.shift();
      if (text === undefined) waiting.push(resolve);
      else resolve(text);
    });
  return {
    next,
    say: async (text: string) => {
      if (ws.readyState === WebSocket.CONNECTING) await new Promise((resolve) => ws.once('open', resolve));
      ws.send(text);
      return next();
    },
    leave: () => ws.close(),
  };
};
