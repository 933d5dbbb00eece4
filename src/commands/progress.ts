/** Says how far a long work is. */
export interface Progress {
  /** @param share 0 to 1. */
  show(what: string, share: number): void;
  /** Takes the line away. */
  end(): void;
}

const EVERY_MS = 200;
/** Back to the beginning of the line, and away with what stands there. */
const WIPE = '\r\u001b[K';

/** A line that is written over again and again; nothing where nobody watches. */
export const progressOn = (stream: NodeJS.WriteStream): Progress => {
  let shownAt = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    show(what, share) {
      const now = performance.now();
      if (!stream.isTTY || now - shownAt < EVERY_MS) return;
      shownAt = now;
      isShown = true;
      stream.write(`${WIPE}${what}: ${Math.floor(share * 100)} %`);
    },
    end() {
      if (isShown) stream.write(WIPE);
      isShown = false;
    },
  };
};
