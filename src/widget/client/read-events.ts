import { createParser } from 'eventsource-parser';

export interface StreamEvent {
  readonly name: string;
  /** `<exchange id>:<n>` */
  readonly id: string;
  readonly data: string;
}

/**
 * Reads server-sent events until the stream ends.
 * @param onEvent Called with each event.
 * @param onBytes Called whenever anything comes, comments too: the line is alive.
 */
export const readEvents = async (
  body: ReadableStream<Uint8Array>,
  onEvent: (event: StreamEvent) => void,
  onBytes: () => void,
): Promise<void> => {
  const parser = createParser({
    onEvent: ({ event = 'message', id = '', data }) => onEvent({ name: event, id, data }),
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    parser.feed(decoder.decode(value, { stream: true }));
  }
};
