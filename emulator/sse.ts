/** Server-sent events as text. */

/** An event of the Responses wire: named by its `type`. */
export const typedEvent = <E extends { readonly type: string }>(event: E): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** An event of the Assistants wire: named apart from its data. */
export const namedEvent = ({ event, data }: { readonly event: string; readonly data: object }): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** An event of the Chat Completions wire: without a name. */
export const plainEvent = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;

export const DONE = 'data: [DONE]\n\n';
export const NAMED_DONE = `event: done\n${DONE}`;

/** An event whose data is not JSON. */
export const MALFORMED = 'data: {"type": "response.output_te\n\n';

/** What stands in an event for words to come. */
export const WORDS = 'words';

/** An event's text before and after its (last) `WORDS`: the frame of many deltas. */
export const frameOf = (event: string): readonly [before: string, after: string] => {
  const at = event.lastIndexOf(`"${WORDS}"`);
  return [event.slice(0, at), event.slice(at + WORDS.length + 2)];
};
