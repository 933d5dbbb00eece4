import { setFlagsFromString } from 'node:v8';
import { AssistantFileError } from './assistant/parse.ts';
import { readEnvironment } from './config/environment.ts';
import { ConfigError } from './config/read-config.ts';
import { type Service, start } from './service.ts';

/** Under `npm start` a Ctrl-C comes twice: from the terminal, to the whole group, and from npm, which passes it on. */
const NPM_ECHO_MS = 150;

const run = async (): Promise<void> => {
  // V8 lets the heap grow to several times what lives in it before it collects. Two thousand streams at once would
  // then hold some 450 MB, not 400; the price is some 5 % of the CPU at full load.
  setFlagsFromString('--heap-growing-percent=40');
  const fail = (thrown: unknown): never => {
    process.stderr.write(
      `${thrown instanceof ConfigError || thrown instanceof AssistantFileError ? thrown.message : inFull(thrown)}\n`,
    );
    process.exit(1);
  };
  let service: Service | undefined;
  let stoppingSince: number | undefined;
  const onSignal = (): void => {
    // Before it serves there is nothing to finish.
    if (!service) process.exit(1);
    const now = performance.now();
    if (stoppingSince !== undefined) {
      const isEcho = process.env.npm_lifecycle_event === 'start' && now - stoppingSince < NPM_ECHO_MS;
      // What was acknowledged is in the journal already, so leaving at once loses nothing.
      if (!isEcho) process.exit(1);
      return;
    }
    stoppingSince = now;
    service.stop().then(
      () => process.exit(0),
      (thrown: unknown) => {
        process.stderr.write(`thread-proxy could not stop cleanly: ${String(thrown)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('SIGHUP', () => void service?.reloadAssistant());

  service = await startHere().catch(fail);
};

const startHere = async (): Promise<Service> => {
  const { env, warnings } = readEnvironment(process.env);
  const terminal = process.stdout.isTTY ? { colours: process.stdout.hasColors() } : undefined;
  return start({ env, warnings, terminal });
};

const inFull = (thrown: unknown): string =>
  thrown instanceof Error ? `thread-proxy cannot start: ${thrown.message}` : String(thrown);

if (import.meta.main) await run();
