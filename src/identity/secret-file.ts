import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

/**
 * A secret that is made once and kept in a file that only its owner can read (0600).
 * @returns 256 random bits in base64url, the same at each start.
 * @throws Error that names the file where it cannot be read or written, or holds something else.
 */
export const secretFromFile = async (file: string): Promise<string> => {
  const handle = await open(file, 'a+', 0o600);
  try {
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
