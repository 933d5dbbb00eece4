/** An export as the body of an answer: read as fast as its reader reads, and left when the reader leaves. */
export const exportStream = (pieces: AsyncIterable<string>): ReadableStream<Uint8Array> => {
  const source = pieces[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull: async (controller) => {
      const next = await source.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    cancel: async () => {
      await source.return?.();
    },
  });
};
