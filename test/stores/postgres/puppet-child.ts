/** A process with a store of its own, which does what it is told in lines of JSON. Its arguments: URL and tuning. */
import { createInterface } from 'node:readline';
import { asAppError } from '../../../src/errors.ts';
import { openPostgresStore } from '../../../src/stores/postgres/postgres-store.ts';

const [url = '', tuning = '{}'] = process.argv.slice(2);
const quiet = () => undefined;
const store = await openPostgresStore({
  url,
  wait: 0,
  maxWaiting: 3,
  clock: { now: () => Date.now() },
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  tuning: JSON.parse(tuning),
});
const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
store.onStopRequested((id) => say({ stop: id }));

createInterface(process.stdin).on('line', (line) => {
  const { number, what, value } = JSON.parse(line);
  const done =
    what === 'accept'
      ? store.accept(value)
      : what === 'finish'
        ? store.finish(value)
        : Promise.resolve(store.setThread(value.visitor, value.thread));
  done.then(
    (result) => say({ number, result: result ?? null }),
    (thrown: unknown) => say({ number, code: asAppError(thrown).code }),
  );
});
say({ ready: true });
