import type { z } from 'zod';
import type { Logger } from '../chat/ports.ts';
import { readEnvironment } from '../config/environment.ts';

/** The command cannot do what it was asked to. The message is for its user, and all that they get. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal';
}

/** The command was called in a way that it does not know. */
export class UsageError extends Refusal {
  override readonly name = 'UsageError';
}

/** What the shell is told: done, refused, called in a wrong way; and, as shells do it, stopped by a signal. */
const EXIT = { done: 0, refused: 1, usage: 2, SIGINT: 130, SIGTERM: 143 } as const;

/** Under `npm run` a Ctrl-C comes twice: from the terminal, to the whole group, and from npm, which passes it on. */
const NPM_ECHO_MS = 150;

/** Names and texts as in the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command runs with. */
export interface Surroundings {
  /** The arguments after the script. */
  readonly args: readonly string[];
  /** The environment, and below it `.env`, as the service has them. */
  readonly env: Environment;
  /** Aborted by SIGINT and SIGTERM: a good moment to stop is to be found soon. */
  readonly signal: AbortSignal;
  /** Prints what the user wanted to know. */
  print(text: string): void;
  /** Prints what they should know beside it. */
  warn(text: string): void;
  /** Ends the command with 1 when its work is done: all that there is to say is printed. */
  failLater(): void;
}

/** One setting of the service's, as config.ts has it. */
interface Row<T> {
  readonly schema: z.ZodType<T, string>;
  readonly fallback: string | null;
  readonly takes: string;
}

/**
 * The checked value of one setting; undefined where it is absent and has no fallback.
 * @throws Refusal that says what it takes, but not what it was given: that may be a secret.
 */
export const settingOf = <T>(env: Environment, name: string, row: Row<T>): T | undefined => {
  const given = env[name] || row.fallback;
  if (given === null) return undefined;
  const { success, data } = row.schema.safeParse(given);
  if (!success) throw new Refusal(`The setting ${name} is invalid; it takes ${row.takes}.`);
  return data;
};

/** A logger for the store: only what goes wrong is of interest, in words. */
export const warningsOnly = (warn: (text: string) => void): Logger => {
  const say = (fields: object, message: string): void => {
    const cause = 'err' in fields && fields.err instanceof Error ? ` (${fields.err.message})` : '';
    const file = 'file' in fields ? `: ${fields.file}` : '';
    warn(`${message}${file}${cause}`);
  };
  return { debug: () => undefined, info: () => undefined, warn: say, error: say };
};

/** A failure in one line, without its stack. */
const inWords = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/**
 * Runs a command and sets the exit code. A first signal asks it to stop, a second one ends it.
 * @param usage Printed for `--help`, and below what was wrong in a call.
 */
export const runCommand = async (
  usage: string,
  work: (surroundings: Surroundings) => Promise<void>,
): Promise<void> => {
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const warn = (text: string): void => void process.stderr.write(`${text}\n`);
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) return print(usage);

  const stop = new AbortController();
  let stoppedBy: 'SIGINT' | 'SIGTERM' | undefined;
  let stoppedAt = 0;
  const onSignal = (name: 'SIGINT' | 'SIGTERM'): void => {
    if (stoppedBy && performance.now() - stoppedAt > NPM_ECHO_MS) process.exit(EXIT[name]);
    stoppedBy ??= name;
    stoppedAt ||= performance.now();
    stop.abort(new Refusal('Stopped.'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const { env, warnings } = readEnvironment(process.env);
    for (const warning of warnings) warn(warning);
    let end: number = EXIT.done;
    const failLater = () => {
      end = EXIT.refused;
    };
    await work({ args, env, signal: stop.signal, print, warn, failLater });
    process.exitCode = end;
  } catch (thrown) {
    warn(inWords(thrown));
    if (thrown instanceof UsageError) warn(`\n${usage}`);
    process.exitCode = thrown instanceof UsageError ? EXIT.usage : EXIT[stoppedBy ?? 'refused'];
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
};
