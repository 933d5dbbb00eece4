import type { ErrorCode } from '../../errors.ts';

/** What a visitor is told of each failure, in one language. */
export type Messages = Readonly<Record<ErrorCode, string>>;
