import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import dotenv from 'dotenv';
import { OTHERS_MAY_READ } from '../private-file.ts';
import { systemReason } from '../system-reason.ts';
import { misnamedSettings } from './misnamed.ts';
import { ConfigError } from './read-config.ts';
import { SETTINGS, type Setting } from './settings-table.ts';

/** Names and texts as in the environment. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The environment with `.env` below it. */
export interface Environment {
  readonly env: Env;
  /** Where `.env`, `data`, `assistant.json` and `documents` are looked for. */
  readonly folder: string;
  /** Names that look like a setting's and are none, a sentence each. */
  readonly warnings: readonly string[];
}

/** The folder that has package.json. */
const PACKAGE_FOLDER = path.resolve(import.meta.dirname, '../..');

/**
 * The environment, and below it the file `.env` beside package.json. Relative paths in that file, and paths that are
 * not set, start at the file's folder; those in the environment at the working directory, as in a shell.
 * @param given The environment. `THREAD_PROXY_DIR` names another folder than package.json's.
 * @throws ConfigError where there is a `.env` that cannot be read.
 */
export const readEnvironment = (given: Env): Environment => {
  const folder = path.resolve(given.THREAD_PROXY_DIR || PACKAGE_FOLDER);
  const envFile = path.join(folder, '.env');
  const file = readEnvFile(envFile);
  const env = { ...file, ...given };
  for (const [name, row] of Object.entries<Setting>(SETTINGS)) {
    if (row.path) env[name] = pathOf(row, given[name], file[name], folder);
  }
  const warnings = [...misnamedSettings(env, new Set(Object.keys(file))), ...readableSecrets(envFile, file)];
  return { env, folder, warnings };
};

/** A sentence where other users of the machine can read a secret in `.env`. */
const readableSecrets = (file: string, settings: Env): string[] => {
  const hasSecret = Object.entries<Setting>(SETTINGS).some(([name, row]) => row.secret && settings[name]);
  if (!hasSecret || (statSync(file).mode & OTHERS_MAY_READ) === 0) return [];
  return [`${file} holds a secret and can be read by other users of this machine: chmod 600 ${file}`];
};

const pathOf = (
  row: Setting,
  inEnvironment: string | undefined,
  inFile: string | undefined,
  folder: string,
): string | undefined => {
  if (inEnvironment !== undefined && inEnvironment !== '') return withoutTilde(inEnvironment);
  if (inEnvironment === undefined && inFile) return path.resolve(folder, withoutTilde(inFile));
  const usual = path.resolve(folder, row.fallback ?? row.path?.ifThere ?? '');
  return row.fallback !== null || (row.path?.ifThere && existsSync(usual)) ? usual : undefined;
};

/** Shells expand `~` in their own assignments; `.env` files, Docker and systemd do not. */
const withoutTilde = (text: string): string => text.replace(/^~(?=$|\/)/, () => homedir());

const readEnvFile = (file: string): Record<string, string | undefined> => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return {};
    throw new ConfigError([`${file} cannot be read: ${systemReason(thrown)}`]);
  }
  const isUtf16 = bytes.includes(0) || (bytes[0] === 0xff && bytes[1] === 0xfe);
  try {
    if (!isUtf16) return dotenv.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Told below.
  }
  const what = isUtf16 ? 'is UTF-16, as some Windows programs write it' : 'is not UTF-8 text';
  throw new ConfigError([`${file} ${what}; save it as UTF-8`]);
};
