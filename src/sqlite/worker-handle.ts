import { Worker } from 'node:worker_threads';
import type { Reply, Request, Role, WorkerSetup } from './protocol.ts';
import { StoreError } from './protocol.ts';

const PROGRAM = new URL('./worker.ts', import.meta.url);

/** The worker has ended before it answered: whether what it was asked to do was done is not known. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded';
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * A worker of the store. It is started by the first request, and after it has died by the next one.
 */
export class DatabaseWorker {
  readonly #data: WorkerSetup;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 0;

  /** @param isBackground What it does may take longer: the other workers go before it. */
  constructor(file: string, role: Role, isBackground = false) {
    this.#data = { file, role, isBackground };
  }

  /** @throws StoreError with what went wrong there; WorkerEnded where the worker died. */
  ask(request: Request, id = this.newId()): Promise<unknown> {
    const worker = this.#worker ?? this.#start();
    return new Promise((resolve, reject) => {
      // The process stays while an answer is awaited, and not a moment longer for the worker's sake.
      if (this.#waiting.size === 0) worker.ref();
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, request });
    });
  }

  /** Names a request whose pages are going to be asked for. */
  newId(): number {
    return this.#nextId++;
  }

  #start(): Worker {
    const { role } = this.#data;
    const worker = new Worker(PROGRAM, { workerData: this.#data, name: `store ${role}`, execArgv: [] });
    this.#worker = worker;
    let reason: Error | undefined;
    worker.on('message', ({ id, outcome }: Reply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if ('thrown' in outcome) waiting?.reject(new StoreError(outcome.thrown));
      else waiting?.resolve(outcome.value);
    });
    worker.on('error', (error) => {
      reason = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      const ended = new WorkerEnded(`the store's ${role} thread has ended`, { cause: reason });
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of lost) reject(ended);
    });
    return worker;
  }

  /** Ends the worker when it has done what it was asked to do. Does nothing where none runs. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    await this.ask({ type: 'close' }).catch(() => undefined);
    await worker.terminate();
  }

  /** Ends the worker at once. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }
}
