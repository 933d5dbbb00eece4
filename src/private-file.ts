import { chmodSync, closeSync, openSync } from 'node:fs';

/** Files that hold what visitors said, or secrets, are for the service's own user. */
export const PRIVATE_MODE = 0o600;
/** The bits by which other users of the machine may read a file. */
export const OTHERS_MAY_READ = 0o044;

/** Makes a file if it is missing, so that only its owner can read it. @throws The system's error. */
export const makePrivate = (file: string): void => {
  closeSync(openSync(file, 'a', PRIVATE_MODE));
  closeToOthers(file);
};

/** Takes a file from others who may read it: an older version, or a copy, may have left it so. Ignores one that is not there. */
export const closeToOthers = (file: string): void => {
  try {
    chmodSync(file, PRIVATE_MODE);
  } catch {
    // It is not there, not ours, or on a file system without modes.
  }
};
