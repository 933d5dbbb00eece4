import { readFile } from 'node:fs/promises';
import { decoded, type SslMode, splitUrl, sslModeOf } from './url-parts.ts';

/** Which database, how to connect to it, and which schema is ours. */
export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: SslMode;
  /** Certificates in PEM that are trusted instead of the usual ones. */
  readonly ca: string | undefined;
  /**
   * Behind a pooler in transaction mode: no session settings, no prepared statements. What a statement needs is set in
   * a transaction of its own.
   */
  readonly isPooled: boolean;
  /** Under which name the server lists our connections. */
  readonly applicationName: string;
  /** More settings of the session, as `options` of the URL has them; not behind a pooler. */
  readonly options: string | undefined;
  /** Where unqualified table names are looked up; undefined: as the database has it for this user. */
  readonly searchPath: string | undefined;
  /** Host, port and database: what may be logged. */
  readonly name: string;
}

/**
 * Reads a `postgres://` URL.
 * @throws Error that says what is wrong with it, and never repeats it: there is a password in it.
 */
export const readConnectionSettings = async (text: string): Promise<ConnectionSettings> => {
  const { url, given } = splitUrl(text);
  const host =
    decoded(url.searchParams.get('host') ?? url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost';
  if (host.includes(',')) throw new Error('DATABASE_URL names several hosts; it takes one.');
  const user = decoded(url.username);
  if (user === '') throw new Error('DATABASE_URL names no user.');
  const database = decoded(url.pathname.slice(1)) || user;
  const port = Number(url.port || 5432);
  const { sslrootcert } = given;
  const ca =
    sslrootcert === undefined || sslrootcert === 'system'
      ? undefined
      : await readFile(sslrootcert, 'utf8').catch((cause: unknown) => {
          throw new Error(`The certificates at ${sslrootcert} (sslrootcert) cannot be read.`, { cause });
        });
  return {
    ...{ host, port, user, database, ca },
    password: decoded(url.password),
    ssl: sslModeOf(given),
    applicationName: given.application_name ?? 'thread-proxy',
    options: given.options,
    isPooled: given.pgbouncer ?? given.prepare === false,
    searchPath: given.search_path ?? searchPathIn(given.options),
    name: `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`,
  };
};

/** The search path in `options=-c search_path=…`, as libpq takes it. */
const searchPathIn = (options: string | undefined): string | undefined =>
  /(?:^|\s|-c|--)search_path=(\S+)/.exec(options ?? '')?.[1];

/** A name as SQL has it in quotes. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
