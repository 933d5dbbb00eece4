import { logUnavailable } from '../errors.ts';

/** How long a visitor waits for an answer that is there to become durable. */
export const DURABLE_WITHIN_MS = 10_000;

/** Settles as the promise does, or rejects with the signal's reason if that comes first, or has come before. */
export const untilAborted = async (promise: Promise<void>, signal: AbortSignal): Promise<void> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

/** Settles as the promise does, or rejects with `log_unavailable` after `ms` milliseconds. */
export const within = async <T>(ms: number, promise: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(logUnavailable()), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
