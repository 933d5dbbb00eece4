// The same room as an older version had it.
export const room = 'notes';
export const migrations = ['CREATE TABLE notes (n INTEGER PRIMARY KEY, said TEXT NOT NULL) STRICT'];
