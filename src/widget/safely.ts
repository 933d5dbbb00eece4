/** Runs what must never throw into the page that the widget is a guest of. */
export const safely = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch {
    return undefined;
  }
};
