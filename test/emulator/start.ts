/** What the emulator's tests share. */

import { OpenAI } from 'openai';
import { onTestFinished } from 'vitest';
import { createEmulator, type EmulatorOptions } from '../../emulator/server.ts';

/** An emulator for one test, and the real SDK as its caller. */
export const start = async (options: EmulatorOptions = {}) => {
  const emulator = await createEmulator(options);
  onTestFinished(() => emulator.close());
  const openai = new OpenAI({
    apiKey: options.apiKey ?? 'any',
    baseURL: emulator.url,
    maxRetries: 0,
    logLevel: 'off',
  });
  return { emulator, openai };
};

/** All that an iterable gives, in order. */
export const collect = async <T>(iterable: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const one of iterable) all.push(one);
  return all;
};

/** All that an iterable gives before it throws, and what it throws. */
export const collectUntilError = async <T>(iterable: AsyncIterable<T>) => {
  const all: T[] = [];
  try {
    for await (const one of iterable) all.push(one);
  } catch (error) {
    return { all, error };
  }
  return { all, error: undefined };
};

/** The same words once where they come in a row: `[a, b, b, c]` → `[a, b, c]`. */
export const collapse = (words: readonly string[]): string[] =>
  words.filter((word, index) => word !== words[index - 1]);

/** What a promise rejects with. */
export const failureOf = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).then(
    () => Promise.reject(new Error('It did not fail.')),
    (error: unknown) => error,
  );
