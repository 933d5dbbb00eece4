import { randomBytes } from 'node:crypto';
import postgres from 'postgres';

/** Runs one statement at the server of `url`. */
export const command = async (url: string, statement: string): Promise<void> => {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
};

const newName = (): string => `test_${randomBytes(8).toString('hex')}`;

/** Makes an empty database at the server of `url`. @returns Its URL. */
export const newDatabase = async (url: string): Promise<string> => {
  const name = newName();
  await command(url, `create database ${name}`);
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
};

export const newSchema = async (url: string): Promise<string> => {
  const name = newName();
  await command(url, `create schema ${name}`);
  const made = new URL(url);
  made.searchParams.set('search_path', name);
  return made.href;
};

/** The URL with which a connection of the test finds the store's tables without naming their schema. */
export const withOurTables = (url: string): string => {
  const changed = new URL(url);
  if (!changed.searchParams.has('search_path')) changed.searchParams.set('search_path', 'thread_proxy');
  return changed.href;
};
