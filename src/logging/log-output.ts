import { write, writeSync } from 'node:fs';

const STDOUT = 1;
const NEWLINE = 0x0a;
/** Lines are written together, at most so many characters and milliseconds late: a write a line costs more than a line. */
const TOGETHER = { chars: 4096, ms: 100 };
/** So much may wait, in characters or bytes; what comes on top is dropped. */
const MAX_WAITING = 1024 * 1024;
/** At exit a reader that is behind is given so many milliseconds to take the rest, asked again every so many. */
const AT_EXIT = { ms: 500, everyMs: 5 };

const codeOf = (thrown: unknown): unknown =>
  thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
const linesIn = (bytes: Buffer): number => bytes.toString('latin1').split('\n').length - 1;
const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/**
 * Log lines to standard output, for pino. A sink that fails (a full disk, a reader that has gone) costs lines, never
 * the service: they are dropped, and once writing works again one line tells how many. pino's own destination
 * tries again for ever when the process exits, so that it neither ends nor hears a signal.
 */
export const createLogOutput = (): { write(line: string): void } => {
  /** Whole lines that are in no batch yet. */
  let waiting = '';
  /** What is being written, from its first unwritten byte. */
  let batch = Buffer.alloc(0);
  /** Whether the thread pool has the batch. */
  let underWay = false;
  let timer: NodeJS.Timeout | undefined;
  /** Lines dropped that neither a written line nor the batch tells of. */
  let lost = 0;
  /** What the batch's first line tells of, and how many bytes of that line are still to be written. */
  let told = { lost: 0, bytes: 0 };
  /** Whether the last byte written is in the middle of a line. */
  let torn = false;

  const later = (): void => {
    timer ??= setTimeout(flush, TOGETHER.ms).unref();
  };

  /** Makes a batch of all that there is to say, unless there still is one. */
  const fill = (): void => {
    if (batch.length > 0 || (waiting === '' && lost === 0)) return;
    const note = { level: 'warn', time: new Date().toISOString(), lines: lost, msg: 'log lines were lost' };
    const head = Buffer.from(`${torn ? '\n' : ''}${lost > 0 ? `${JSON.stringify(note)}\n` : ''}`);
    batch = Buffer.concat([head, Buffer.from(waiting)]);
    told = { lost, bytes: lost > 0 ? head.length : 0 };
    waiting = '';
    lost = 0;
  };

  const onWritten = (bytes: number): void => {
    if (bytes > 0) torn = batch[bytes - 1] !== NEWLINE;
    told.bytes -= bytes;
    batch = batch.subarray(bytes);
  };

  const drop = (): void => {
    lost += linesIn(batch);
    // A line whose newline alone is missing is not lost.
    if (batch[0] === NEWLINE) lost--;
    // The line that tells of losses is not one of them, but has told nobody.
    if (told.bytes > 0) lost += told.lost - 1;
    batch = Buffer.alloc(0);
  };

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (underWay) return;
    fill();
    if (batch.length === 0) return;
    underWay = true;
    write(STDOUT, batch, (error, bytes) => {
      underWay = false;
      if (!error) onWritten(bytes);
      // A pipe whose reader is behind is full, not broken.
      else if (codeOf(error) !== 'EAGAIN') drop();
      if (!error && (batch.length > 0 || waiting.length >= TOGETHER.chars)) flush();
      else if (batch.length > 0 || waiting !== '') later();
    });
  };

  const writeTheRest = (): void => {
    if (underWay) {
      // The thread pool ends what it has begun before the process is over; the rest should come after it.
      pause(AT_EXIT.everyMs);
      batch = Buffer.alloc(0);
    }
    const deadline = performance.now() + AT_EXIT.ms;
    for (fill(); batch.length > 0; fill()) {
      try {
        onWritten(writeSync(STDOUT, batch));
      } catch (thrown) {
        // Nobody is left to tell.
        if (codeOf(thrown) !== 'EAGAIN' || performance.now() > deadline) return;
        pause(AT_EXIT.everyMs);
      }
    }
  };

  process.on('exit', writeTheRest);
  // Whoever else prints there must not end the process either. Besides, touching `process.stdout` makes a pipe
  // non-blocking: behind a reader that has stopped reading, a blocking write would keep the process from exiting.
  process.stdout.on('error', () => undefined);

  return {
    write: (line) => {
      if (waiting.length + batch.length + line.length > MAX_WAITING) lost++;
      else waiting += line;
      if (waiting.length >= TOGETHER.chars && batch.length === 0) flush();
      else later();
    },
  };
};
