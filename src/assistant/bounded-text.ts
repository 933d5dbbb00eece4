/**
 * Reads a body as text up to a bound and stops there: what comes after is not read, and its connection is closed.
 * Bytes that are not UTF-8 become U+FFFD, and so do control characters, which some upstreams refuse.
 */
export const readBounded = async (
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<{ text: string; cut: boolean }> => {
  const decoder = new TextDecoder();
  let text = '';
  let left = maxBytes;
  // Leaving the loop early cancels the body.
  for await (const chunk of body ?? []) {
    // A character that the cut splits stays undecoded in the decoder, and so is left out.
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    if (chunk.length > left) return { text: printable(text), cut: true };
    left -= chunk.length;
  }
  return { text: printable(text + decoder.decode()), cut: false };
};

const printable = (text: string): string => text.replace(/[^\P{Cc}\t\n\r]/gu, '\uFFFD');
