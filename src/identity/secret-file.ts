import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { OTHERS_MAY_READ, PRIVATE_MODE } from '../private-file.ts';

/**
 * A secret that is made once and kept in a file that only its owner can read (0600).
 * @param logger Told where other users of the machine may read it.
 * @returns 256 random bits in base64url, the same at each start.
 * @throws Error that names the file where it cannot be read or written, or holds something else.
 */
export const secretFromFile = async (
  file: string,
  logger: { warn(fields: { file: string }, message: string): void },
): Promise<string> => {
  const handle = await open(file, 'a+', PRIVATE_MODE);
  try {
    if (((await handle.stat()).mode & OTHERS_MAY_READ) !== 0)
      logger.warn(
        { file },
        'other users of this machine can read a secret: remove the file to have a new one made, or chmod 600',
      );
    const kept = (await handle.readFile('utf8')).trim();
    if (kept.length >= 32) return kept;
    // Empty: new, or a crash came between making and writing it. Nothing was ever signed with it then.
    if (kept !== '')
      throw new Error(`${file} holds no secret of at least 32 characters; remove it to have one made`);
    const secret = randomBytes(32).toString('base64url');
    await handle.write(`${secret}\n`);
    await handle.sync();
    return secret;
  } finally {
    await handle.close();
  }
};
