import { z } from 'zod';

/** How TLS is used, as libpq's `sslmode` has it. */
export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** What other clients write for `sslmode`: `ssl=true` asks for TLS, and says nothing about certificates. */
const SSL_WORDS = {
  true: 'require',
  '1': 'require',
  'no-verify': 'require',
  false: 'disable',
  '0': 'disable',
} as const;

const parameters = z.looseObject({
  sslmode: z.enum(MODES).optional(),
  ssl: z
    .enum([...MODES, 'true', '1', 'no-verify', 'false', '0'])
    .transform((word) => (Object.hasOwn(SSL_WORDS, word) ? SSL_WORDS[word as keyof typeof SSL_WORDS] : word))
    .pipe(z.enum(MODES))
    .optional(),
  sslrootcert: z.string().min(1).optional(),
  pgbouncer: z.stringbool().optional(),
  prepare: z.stringbool().optional(),
  application_name: z.string().optional(),
  options: z.string().optional(),
  search_path: z.string().min(1).optional(),
});

/** The parameters of a database's URL, checked. */
export type UrlParameters = z.infer<typeof parameters>;

/** What comes after user, password and host: the first of these ends them. */
const AFTER_AUTHORITY = /^\w+:\/\/[^/?#]*([\s\S]*)$/;

/**
 * Splits a `postgres://` URL and checks its parameters.
 * @throws Error that says what is wrong with it, and never repeats it: there is a password in it.
 */
export const splitUrl = (text: string): { readonly url: URL; readonly given: UrlParameters } => {
  // A password that is not escaped moves parts of itself into host, path or fragment, from where they would be logged.
  const rest = AFTER_AUTHORITY.exec(text)?.[1] ?? '';
  if (/[@#]/.test(rest)) {
    throw new Error(
      'DATABASE_URL has a character that must be escaped, most likely in its password: write / as %2F, # as %23, ? as %3F and @ as %40.',
    );
  }
  if (!URL.canParse(text)) {
    throw new Error(
      'DATABASE_URL is no URL: it takes postgres://user:password@host/database, with / # ? @ in the password escaped (%2F, %23, %3F, %40).',
    );
  }
  const url = new URL(text);
  if (!['postgres:', 'postgresql:'].includes(url.protocol)) {
    throw new Error('DATABASE_URL begins with postgres://.');
  }
  const parsed = parameters.safeParse(Object.fromEntries(url.searchParams));
  if (!parsed.success) {
    const names = parsed.error.issues.map(({ path }) => path.join('.'));
    throw new Error(
      `DATABASE_URL: ${names.join(', ')} cannot be used as given. sslmode takes ${MODES.join(', ')}; ssl takes true or false; prepare and pgbouncer take true or false.`,
    );
  }
  return { url, given: parsed.data };
};

/** @throws Error where a `%` encodes nothing. */
export const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('DATABASE_URL has a % that encodes nothing; a % of the password is written %25.');
  }
};

/** The TLS mode that the parameters ask for. */
export const sslModeOf = ({ sslmode, ssl, sslrootcert }: UrlParameters): SslMode => {
  if (sslrootcert === 'system') return 'verify-full';
  const mode = sslmode ?? ssl;
  // As libpq does: whoever names the certificates wants them checked.
  if (mode === 'require' && sslrootcert !== undefined) return 'verify-ca';
  return mode === undefined || mode === 'allow' ? 'prefer' : mode;
};
