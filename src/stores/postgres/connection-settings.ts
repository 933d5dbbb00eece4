import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** How TLS is used, as libpq's `sslmode` has it. */
export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** Which database, and how to get there. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: SslMode;
  /** Certificates in PEM that are trusted instead of the usual ones. */
  readonly ca: string | undefined;
  /** Whether statements may be prepared by name. */
  readonly prepare: boolean;
  /** Settings of the session. */
  readonly session: Readonly<Record<string, string>>;
  /** Host, port and database: what may be told of it. */
  readonly name: string;
}

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

const parameters = z.looseObject({
  sslmode: z.enum(MODES).optional(),
  sslrootcert: z.string().min(1).optional(),
  pgbouncer: z.stringbool().optional(),
  prepare: z.stringbool().optional(),
  application_name: z.string().optional(),
  options: z.string().optional(),
  search_path: z.string().optional(),
});

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('DATABASE_URL has a % that encodes nothing; a % of the password is written %25.');
  }
};

const modeOf = (given: z.infer<typeof parameters>): SslMode => {
  const { sslmode, sslrootcert } = given;
  if (sslrootcert === 'system') return 'verify-full';
  // As libpq does: whoever names the certificates wants them looked at.
  if (sslmode === 'require' && sslrootcert !== undefined) return 'verify-ca';
  return sslmode === undefined || sslmode === 'allow' ? 'prefer' : sslmode;
};

/**
 * Reads a `postgres://` URL.
 * @throws Error that says what is wrong with it, and never repeats it: there is a password in it.
 */
export const readTarget = async (text: string): Promise<Target> => {
  if (!URL.canParse(text))
    throw new Error('DATABASE_URL is no URL: it takes postgres://user:password@host/database.');
  const url = new URL(text);
  if (!['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new Error('DATABASE_URL begins with postgres://.');
  }
  const parsed = parameters.safeParse(Object.fromEntries(url.searchParams));
  if (!parsed.success) {
    const names = parsed.error.issues.map(({ path }) => path.join('.'));
    throw new Error(
      `DATABASE_URL: ${names.join(', ')} cannot be used as given. sslmode takes ${MODES.join(', ')}; prepare and pgbouncer take true or false.`,
    );
  }
  const given = parsed.data;
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
  const prepare = given.prepare ?? !given.pgbouncer;
  const session: Record<string, string> = { application_name: given.application_name ?? 'thread-proxy' };
  if (given.options !== undefined) session.options = given.options;
  if (given.search_path !== undefined) session.search_path = given.search_path;
  return {
    ...{ host, port, user, database, ca, prepare, session },
    password: decoded(url.password),
    ssl: modeOf(given),
    name: `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`,
  };
};
