import type { Database } from './database.ts';

/** Runs what no transaction may hold and what takes as long as it takes, such as a vacuum or the making of an index. */
export interface Maintenance {
  /**
   * Runs one statement on a connection of its own. It must name its tables with their schema.
   * @throws AppError `log_unavailable`
   */
  run(statement: string): Promise<void>;
  /** Gives up what runs; the database goes on with it, or undoes it. */
  close(): Promise<void>;
}

/** @param open Makes a connection on which statements have no bound to speak of. */
export const createMaintenance = (open: () => Database): Maintenance => {
  const running = new Set<Database>();
  return {
    async run(statement) {
      const own = open();
      running.add(own);
      try {
        await own.maintain(statement);
      } finally {
        running.delete(own);
        await own.close(0);
      }
    },
    async close() {
      await Promise.all([...running].map((own) => own.close(0)));
    },
  };
};
