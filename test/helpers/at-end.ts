import { beforeAll, onTestFinished } from 'vitest';

type End = () => unknown;

/** What ends after the last test that shares it; undefined while nothing that is shared is being started. */
let sharedEnds: End[] | undefined;

/** Ends what a helper has started: with its test, or after the last test where tests share it. */
export const atEnd = (end: End): void => {
  if (sharedEnds) sharedEnds.unshift(end);
  else onTestFinished(async () => void (await end()));
};

/**
 * Starts once what all tests of this `describe` (or file) use, and ends it after the last of them. They keep apart by
 * the visitors they speak as.
 */
export const shared = <T>(start: () => Promise<T>): (() => T) => {
  let started: T | undefined;
  beforeAll(async () => {
    const ends: End[] = [];
    const endAll = async (): Promise<void> => {
      for (const end of ends) await end();
    };
    sharedEnds = ends;
    try {
      started = await start();
    } catch (thrown) {
      await endAll();
      throw thrown;
    } finally {
      sharedEnds = undefined;
    }
    return endAll;
  });
  return () => {
    if (started === undefined) throw new Error('what is shared is there within tests');
    return started;
  };
};

let count = 0;

/** A visitor whom no other test of this file knows. */
export const newVisitor = (): string => `visitor-${++count}`;
