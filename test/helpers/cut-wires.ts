import { expect } from 'vitest';
import type { ServerEvent } from './events.ts';
import type { TestService } from './service.ts';
import { openSocket, tokenFor } from './sockets.ts';
import { resume } from './turns.ts';

/** What a reader that is cut off knows of its turn. */
interface Reading {
  readonly message: string;
  readonly visitor: string;
  readonly id?: string | undefined;
  /** The id of the last event that was read. */
  readonly last?: string | undefined;
}

/** How readers that are cut off speak with the service. */
interface Wire {
  /** Sends the message, or goes on with its answer. Leaving the loop cuts the connection. */
  read(service: TestService, reading: Reading): Promise<AsyncIterable<ServerEvent>>;
  /** What goes with the message over HTTP. */
  post(visitor: string, message: string): Promise<{ body: object; headers: Record<string, string> }>;
}

const sse = async (): Promise<Wire> => ({
  read: async (service, { visitor, message, id, last }) => {
    const { response, events } = id
      ? await resume(service, id, last)
      : await service.stream({ user_id: visitor, message }, { 'Idempotency-Key': message });
    expect(response.status, message).toBe(200);
    return events;
  },
  post: async (visitor, message) => ({ body: { user_id: visitor, message }, headers: {} }),
});

async function* framesOf(service: TestService, token: string, frame: object): AsyncGenerator<ServerEvent> {
  const client = await openSocket(service, { protocols: ['thread-proxy', token] });
  client.send(frame);
  try {
    for (;;) {
      const { type, event, ...data } = await client.next();
      yield { event: type, id: event, data };
    }
  } finally {
    client.ws.terminate();
  }
}

/** @param first Where the visitors' sessions begin. */
const socket = async (first: TestService): Promise<Wire> => {
  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (visitor: string): Promise<string> => {
    const token = tokens.get(visitor) ?? tokenFor(first);
    tokens.set(visitor, token);
    return token;
  };
  return {
    read: async (service, { visitor, message, id, last }) => {
      const frame = id
        ? { type: 'resume', id, after: Number(last?.split(':')[1] ?? -1) }
        : { type: 'message', id: message, message };
      return framesOf(service, await tokenOf(visitor), frame);
    },
    post: async (visitor, message) => ({
      body: { message },
      headers: { Authorization: `Bearer ${await tokenOf(visitor)}` },
    }),
  };
};

export const CUT_WIRES = { sse, socket };
export type CutWire = keyof typeof CUT_WIRES;
