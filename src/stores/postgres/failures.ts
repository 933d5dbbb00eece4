import postgres from 'postgres';
import { AppError, logUnavailable } from '../../errors.ts';

/** No connection could be made: nothing was sent. */
export class ConnectError extends Error {
  /** Whether trying again may help; a certificate that is not trusted stays so. */
  readonly mayPass: boolean;

  constructor(message: string, options: { cause?: unknown; mayPass?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.name = 'ConnectError';
    this.mayPass = options.mayPass ?? true;
  }
}

/** The database can be reached and something is wrong with it: waiting does not help. */
export class Unusable extends Error {}

/** The five characters with which Postgres names a failure (SQLSTATE); undefined where it was not Postgres that failed. */
export const sqlState = (thrown: unknown): string | undefined =>
  thrown instanceof postgres.PostgresError ? thrown.code : undefined;

/** Failures that say nothing of the database's health: a rival, a lock, a timeout. */
const PASSING = /^(40|55P03|57014)/;
/** The statement is wrong: repeating it will not help. */
const OURS = /^(0A|21|22|23|26|42)/;

/** A server that can only be read: a standby, or one that another has replaced. */
const READ_ONLY = '25006';
export const isReadOnly = (thrown: unknown): boolean => sqlState(thrown) === READ_ONLY;

/** A pooler takes no such parameter when a connection starts, and lets nobody in with it. */
export const isRefusedParameter = (thrown: unknown): boolean =>
  sqlState(thrown) === '08P01' && /startup parameter/.test(reasonOf(thrown));

/** No more connections can be made: nothing was sent. */
const FULL = '53300';
export const isFull = (thrown: unknown): boolean => sqlState(thrown) === FULL;

/** Whether the database as a whole does not work, as far as this failure tells. */
export const isOutage = (thrown: unknown): boolean => {
  if (thrown instanceof AppError) return false;
  const state = sqlState(thrown);
  return state === undefined || !(PASSING.test(state) || OURS.test(state));
};

/** Whether the same statement may succeed later. */
export const mayPass = (thrown: unknown): boolean => {
  if (thrown instanceof AppError) return false;
  const state = sqlState(thrown);
  return state === undefined || !OURS.test(state);
};

/** Whether the statement may have been executed although it failed for us. */
export const isUnknown = (thrown: unknown): boolean =>
  !(thrown instanceof AppError) && !(thrown instanceof ConnectError) && sqlState(thrown) === undefined;

/** Failures that a start does not wait out: a refused login, a missing database. */
const SETUP = /^(28|3D000|3F|42501)/;
export const isSetup = (thrown: unknown): boolean =>
  SETUP.test(sqlState(thrown) ?? '') || (thrown instanceof ConnectError && !thrown.mayPass);

/** What happened, in a line for operators. Postgres' details are left out: they repeat what visitors wrote. */
export const reasonOf = (thrown: unknown): string => {
  const state = sqlState(thrown);
  if (!(thrown instanceof Error)) return 'the database failed';
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  if (state !== undefined) return `${thrown.message} (${state})`;
  return code === undefined || thrown.message.includes(code) ? thrown.message : `${thrown.message} (${code})`;
};

/** The failure for whoever asked: `log_unavailable`, with a cause that may be logged. */
export const asUnavailable = (thrown: unknown): AppError =>
  thrown instanceof AppError ? thrown : logUnavailable({ cause: new Error(reasonOf(thrown)) });
