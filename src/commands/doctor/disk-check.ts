import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { systemReason } from '../../system-reason.ts';
import { about, type Finding } from './finding.ts';

/** How many small writes the speed is taken from. */
const WRITES = 50;
/** Below this, a busy site's answers wait for the disk. */
const SLOW_PER_SECOND = 100;
const MB = 1024 * 1024;
const LITTLE_MB = 1_024;
const TOO_LITTLE_MB = 64;
/** What the service keeps for its own eyes must not be readable by others. */
const OTHERS_MAY_READ = 0o077;

/** Whether the data folder can be written, how fast writes become durable, and whether there is room. */
export const checkDisk = async (dir: string): Promise<Finding[]> => {
  const log = about('log');
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const file = path.join(dir, 'conversations.json');
    await access(file, constants.R_OK | constants.W_OK).catch((thrown: unknown) => {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown;
    });
    const perSecond = await durableWritesPerSecond(dir);
    return [
      log.good(`${dir} can be written`),
      speed(perSecond),
      ...(await room(dir)),
      ...(await privacy(dir)),
    ];
  } catch (thrown) {
    const advice = 'give the user that runs the service the right to write there, or set DATA_DIR';
    return [log.failed(`${dir} cannot be used: ${systemReason(thrown)}`, advice)];
  }
};

/** As the service writes: a small write, made durable; at the end renamed as a snapshot is. */
const durableWritesPerSecond = async (dir: string): Promise<number> => {
  const file = path.join(dir, `doctor-${randomUUID()}.tmp`);
  const line = Buffer.alloc(2_048, ' ');
  try {
    const handle = await open(file, 'wx', 0o600);
    let perSecond: number;
    try {
      const begun = performance.now();
      for (let n = 0; n < WRITES; n++) {
        await handle.write(line);
        await handle.datasync();
      }
      perSecond = (WRITES * 1_000) / (performance.now() - begun);
    } finally {
      await handle.close();
    }
    await rename(file, `${file}.renamed`);
    return perSecond;
  } finally {
    await rm(file, { force: true });
    await rm(`${file}.renamed`, { force: true });
  }
};

const speed = (perSecond: number): Finding => {
  const disk = about('disk');
  const seen = `${Math.round(perSecond).toLocaleString('en')} durable writes a second`;
  if (perSecond >= SLOW_PER_SECOND) return disk.good(seen);
  return disk.open(seen, 'take a local SSD: each answer waits for such a write, and network disks are slow');
};

const room = async (dir: string): Promise<Finding[]> => {
  const { bavail, bsize } = await statfs(dir);
  const free = (bavail * bsize) / MB;
  const seen = `${free < LITTLE_MB ? `${Math.round(free)} MB` : `${Math.round(free / 1_024)} GB`} free`;
  const space = about('room');
  if (free < TOO_LITTLE_MB) return [space.failed(seen, 'make room: without any, messages are refused')];
  if (free < LITTLE_MB) return [space.open(seen, 'make room, or set DATA_DIR to a larger disk')];
  return [space.good(seen)];
};

const privacy = async (dir: string): Promise<Finding[]> => {
  const { mode } = await stat(dir);
  if ((mode & OTHERS_MAY_READ) === 0) return [];
  return [about('privacy').open(`other users of this machine may look into ${dir}`, `chmod 700 ${dir}`)];
};
