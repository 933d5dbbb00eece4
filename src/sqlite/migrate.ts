import type { Connection } from './connection.ts';
import { number } from './connection.ts';
import type { Migration, RoomModule } from './room.ts';

/** The database was written by a newer version of the service. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError';
}

const refuseNewer = (what: string, found: number, known: number): void => {
  if (found <= known) return;
  throw new NewerSchemaError(
    `The database has ${what} ${found}, and this version of the service knows ${known} at most. Start the newer version that wrote it, or restore a backup from before.`,
  );
};

const runAll = (db: Connection, migrations: readonly Migration[], from: number): void => {
  for (const migration of migrations.slice(from)) {
    if (typeof migration === 'string') db.exec(migration);
    else migration(db);
  }
};

/** Brings the core's tables up to date. @throws NewerSchemaError */
export const migrateCore = (db: Connection, migrations: readonly Migration[]): void => {
  const version = number(db.get('PRAGMA user_version')?.user_version);
  refuseNewer('schema', version, migrations.length);
  if (version === migrations.length) return;
  db.transaction(() => {
    runAll(db, migrations, version);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  });
};

/** Brings a room's tables up to date. @throws NewerSchemaError */
export const migrateRoom = (db: Connection, { room, migrations }: RoomModule): void => {
  const found = db.get('SELECT version FROM room_versions WHERE room = ?', room)?.version;
  const version = found === undefined ? 0 : number(found);
  refuseNewer(`schema "${room}"`, version, migrations.length);
  if (version === migrations.length) return;
  db.transaction(() => {
    runAll(db, migrations, version);
    db.run('INSERT OR REPLACE INTO room_versions (room, version) VALUES (?, ?)', room, migrations.length);
  });
};
