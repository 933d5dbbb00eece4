/** Follows a text that comes in pieces, to tell what of it is code in Markdown. */
export interface CodeSpans {
  /** Takes the next piece. */
  follow(piece: string): void;
  /** Whether what comes next stands in code, where it is not itself a backtick. */
  isCode(): boolean;
}

export const createCodeSpans = (): CodeSpans => {
  /** Backticks in a row so far. */
  let ticks = 0;
  let inFence = false;
  let inCode = false;

  /** What the backticks so far have opened or closed. */
  const settle = (): void => {
    if (ticks >= 3) {
      inFence = !inFence;
      inCode = false;
    } else if (ticks > 0 && !inFence) inCode = !inCode;
    ticks = 0;
  };

  return {
    follow: (piece) => {
      if (ticks === 0 && !piece.includes('`')) {
        if (piece.includes('\n')) inCode = false;
        return;
      }
      for (const character of piece) {
        if (character === '`') {
          ticks += 1;
          continue;
        }
        settle();
        if (character === '\n') inCode = false;
      }
    },
    isCode: () => {
      if (ticks >= 3) return !inFence;
      return inFence || (ticks > 0 ? !inCode : inCode);
    },
  };
};
