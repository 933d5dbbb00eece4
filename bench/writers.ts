/** Does so much work with so many writers at a time; gives the milliseconds. */
export const withWriters = async (
  work: () => Promise<void>,
  times: number,
  writers: number,
): Promise<number> => {
  const began = performance.now();
  let left = times;
  const writer = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return performance.now() - began;
};
