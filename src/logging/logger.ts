import { type DestinationStream, type Logger, pino } from 'pino';
import { createLogOutput } from './log-output.ts';

/** Names of fields that are secrets. Nothing logs these on purpose; this is the net below. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'apikey',
  'api_key',
  'session_token',
  'token',
  'secret',
  'password',
]);

/** Characters that a terminal obeys instead of showing, or shows as nothing, and that JSON leaves as they are. */
const UNSEEN = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * The service's log: a JSON line per event, on standard output unless a destination is given.
 * An error in `err` is written with its stack and causes, but without the request and response that SDKs hang on it.
 * @param options.secrets Values (keys, tokens of this process) that are blotted out wherever they stand in a line.
 */
export const createLogger = (
  options: { level: string; secrets: readonly string[] },
  destination: DestinationStream = createLogOutput(),
): Logger => {
  // As they stand in a line of JSON.
  const secrets = options.secrets
    .filter((secret) => secret.length >= 8)
    .map((secret) => JSON.stringify(secret).slice(1, -1));
  const blotted: DestinationStream = {
    write: (line) =>
      destination.write(
        secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line).replace(UNSEEN, escaped),
      ),
  };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
      serializers: { err: describeError },
    },
    blotted,
  );
};

const withoutSecrets = (fields: Record<string, unknown>): Record<string, unknown> => {
  for (const name in fields) {
    if (SECRET_FIELDS.has(name.toLowerCase())) return { ...fields, [name]: '[secret]' };
  }
  return fields;
};

/** An error as plain fields: name, message, code, stack, and its causes up to four deep. */
const describeError = (thrown: unknown, depth = 0): unknown => {
  if (!(thrown instanceof Error)) return String(thrown).slice(0, 500);
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  const status = 'status' in thrown && typeof thrown.status === 'number' ? thrown.status : undefined;
  return {
    type: thrown.name,
    message: thrown.message.slice(0, 2_000),
    code,
    status,
    stack: depth === 0 ? thrown.stack?.slice(0, 4_000) : undefined,
    cause: thrown.cause !== undefined && depth < 4 ? describeError(thrown.cause, depth + 1) : undefined,
  };
};
