/** The store's measures. The defaults are for production; tests make them small. */
export interface Tuning {
  /** Connections to the database, beside one for heartbeats. */
  readonly connections: number;
  /** For what may take long: its statements leave room for others. */
  readonly isLong: boolean;
  /** Statements that may wait for a connection; beyond, they are refused. */
  readonly maxQueued: number;
  /** Milliseconds that a statement waits for a connection. */
  readonly queueMs: number;
  /** Milliseconds that the database gives a statement. */
  readonly statementMs: number;
  /** Milliseconds after which a database that does not answer a statement counts as gone. */
  readonly silenceMs: number;
  /** Milliseconds that making a connection takes at most. */
  readonly connectMs: number;
  /** Milliseconds between two attempts while the database is gone. */
  readonly retryMs: number;
  /** Milliseconds between two lines in the log while the start waits for the database. */
  readonly tellMs: number;
  /** Milliseconds between two heartbeats. */
  readonly beatMs: number;
  /** Milliseconds without a heartbeat after which a process is declared dead. */
  readonly deadMs: number;
  /** Milliseconds between two looks whether messages that wait for others may run. */
  readonly pollMs: number;
  /** Bytes of exchanges that may wait in memory for the database. */
  readonly maxPendingBytes: number;
  /** Milliseconds after which threads and facts that nobody waits for are written. */
  readonly writeAfterMs: number;
  /** Milliseconds between two cleanups. */
  readonly cleanupMs: number;
  /** Milliseconds that `close()` waits for a database that is gone. */
  readonly closeMs: number;
}

const MIB = 1024 * 1024;

export const defaultTuning: Tuning = {
  connections: 10,
  isLong: false,
  // All turns of a process at once, and more: what bounds the wait is its time.
  maxQueued: 5000,
  queueMs: 5000,
  statementMs: 5000,
  // Longer than a statement may take: what is silent for longer is the network, or a host that hangs.
  silenceMs: 7000,
  connectMs: 5000,
  retryMs: 250,
  tellMs: 5000,
  beatMs: 1000,
  deadMs: 10_000,
  pollMs: 50,
  maxPendingBytes: 64 * MIB,
  writeAfterMs: 50,
  cleanupMs: 60_000,
  closeMs: 5000,
};
