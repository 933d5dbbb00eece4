import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { z } from 'zod';

/** A server-sent event; `comment` for a comment line. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: EventData;
}

const eventData = z.looseObject({
  id: z.string().optional(),
  text: z.string().optional(),
  answer: z.string().optional(),
  session_token: z.string().optional(),
  truncated: z.boolean().optional(),
  error: z
    .object({ code: z.string(), message: z.string(), detail: z.string().optional(), request_id: z.string() })
    .optional(),
});
export type EventData = z.output<typeof eventData>;

/** Reads an answer's events as they come. Leaving the loop closes the connection. */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent, void, undefined> {
  const ready: ServerEvent[] = [];
  const parser = createParser({
    onEvent: (message: EventSourceMessage) => {
      const data = eventData.parse(JSON.parse(message.data));
      ready.push({ event: message.event ?? 'message', id: message.id, data });
    },
    onComment: () => ready.push({ event: 'comment', id: undefined, data: {} }),
  });
  const decoder = new TextDecoder();
  if (!response.body) return;
  for await (const chunk of response.body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* ready.splice(0);
  }
}

/** All events of an answer. */
export const allEvents = async (events: AsyncIterable<ServerEvent>): Promise<ServerEvent[]> => {
  const all: ServerEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

/** Waits until something holds, looking again every few milliseconds. */
export const until = async <T>(
  look: () => T | Promise<T>,
  what: string,
  ms = 10_000,
): Promise<NonNullable<T>> => {
  const deadline = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
