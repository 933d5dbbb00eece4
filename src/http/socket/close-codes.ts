import type { AppError } from '../../errors.ts';

/** Why a socket is closed, as RFC 6455 and its registry number it. The reason beside it is one of our error codes. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  unsupported: 1003,
  policy: 1008,
  tryAgainLater: 1013,
} as const;

/** The close code for a client that may not stay: 1008 where it is the client's token, else 1013. */
export const closeCodeOf = ({ status }: AppError): number =>
  status === 401 ? CLOSE.policy : CLOSE.tryAgainLater;
