/**
 * Reads the JSON of an answer, and gives up where it is longer than it may be: a server that never ends would fill
 * the memory long before the time of a call is over.
 * @throws Error, SyntaxError, or what the body's stream fails with
 */
export const boundedJson = async (response: Response, maxBytes: number): Promise<unknown> => {
  const decoder = new TextDecoder();
  let text = '';
  let left = maxBytes;
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    left -= chunk.length;
    if (left < 0) throw new Error(`an answer of more than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return JSON.parse(text + decoder.decode());
};
