import type { Logger, Store } from './ports.ts';

/** Logs as failed what an earlier process was cut off in. Nobody waits for these. */
export const settleInterrupted = async ({
  store,
  logger,
}: {
  store: Store;
  logger: Logger;
}): Promise<void> => {
  const interrupted = await store.interrupted();
  if (interrupted.length === 0) return;
  logger.warn(
    { count: interrupted.length },
    'turns that an earlier process was cut off in are logged as failed',
  );
  // On a bad disk they are kept until it returns.
  for (const message of interrupted) {
    store.finish({ ...message, bot: null, error: 'internal_error' }).catch((thrown: unknown) => {
      logger.error({ exchange: message.id, err: thrown }, 'the exchange is not durable');
    });
  }
};
