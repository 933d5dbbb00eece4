import type { Chat } from './chat-api.ts';
import type { TurnHooks } from './hooks.ts';
import type { Exchange } from './model.ts';
import type { Logger } from './ports.ts';
import type { Store } from './store-port.ts';

/** How often a process looks for what others were cut off in, in milliseconds. */
const SETTLE_MS = 2_000;

/** Logs as failed what an earlier process was cut off in. Nobody waits for these. */
export const settleInterrupted = async ({
  store,
  logger,
  hooks = {},
}: {
  store: Store;
  logger: Logger;
  hooks?: TurnHooks;
}): Promise<void> => {
  const interrupted = await store.interrupted();
  if (interrupted.length === 0) return;
  logger.warn(
    { count: interrupted.length },
    'turns that an earlier process was cut off in are logged as failed',
  );
  // On a bad disk they are kept until it returns.
  for (const message of interrupted) {
    const exchange: Exchange = { ...message, bot: null, error: 'internal_error' };
    store.finish(exchange).then(
      () => hooks.onRecorded?.(exchange),
      (thrown: unknown) => logger.error({ exchange: message.id, err: thrown }, 'the exchange is not durable'),
    );
  }
};

/** Settles again and again what other processes were cut off in, until it is stopped. */
export const settleRepeatedly = (chat: Pick<Chat, 'settleInterrupted'>, logger: Logger): { stop(): void } => {
  const timer = setInterval(() => {
    chat.settleInterrupted().catch((thrown: unknown) => {
      logger.debug({ err: thrown }, 'what other processes were cut off in could not be looked for');
    });
  }, SETTLE_MS);
  return { stop: () => clearInterval(timer) };
};
