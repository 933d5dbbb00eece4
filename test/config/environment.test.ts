import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';
import { temporaryFolder } from '../helpers/service.ts';

const folderWith = async (text: string | Buffer): Promise<string> => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, '.env'), text);
  return folder;
};

const read = (folder: string, env: Record<string, string> = {}) =>
  readEnvironment({ THREAD_PROXY_DIR: folder, ...env });

describe('.env', () => {
  it('is read from its folder, and the environment goes before it', async () => {
    const folder = await folderWith('\uFEFFPORT=1\nLOG_LEVEL=warn # a comment\n');
    expect(read(folder, { PORT: '2' }).env).toMatchObject({ PORT: '2', LOG_LEVEL: 'warn' });
  });

  it('need not be there', async () => {
    const folder = await temporaryFolder();
    expect(read(folder)).toMatchObject({ folder, warnings: [] });
  });

  const utf16 = Buffer.from('\uFEFFOPENAI_API_KEY=sk-1\r\n', 'utf16le');
  it.each<[string, Buffer, RegExp]>([
    ['UTF-16', utf16, /UTF-16.*save it as UTF-8/],
    ['UTF-16 without a mark', utf16.subarray(2), /UTF-16.*save it as UTF-8/],
    ['UTF-16, big end first', Buffer.from(utf16).swap16(), /UTF-16.*save it as UTF-8/],
    ['Latin-1', Buffer.from('A=caf\u00e9', 'latin1'), /not UTF-8 text; save it as UTF-8/],
  ])('stops the start where it is %s', async (_, bytes, told) => {
    const folder = await folderWith(bytes);
    expect(() => read(folder)).toThrow(told);
    expect(() => read(folder)).toThrow(path.join(folder, '.env'));
  });

  it('stops the start where it cannot be read, with the reason', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, '.env'));
    expect(() => read(folder)).toThrow(/\.env cannot be read: it is a folder/);
  });
});

describe('a .env that others can read', () => {
  it.each([
    ['OPENAI_API_KEY=sk-1', 0o644, /\.env.*can be read by other users.*chmod 600/],
    ['SITE_KEYS=abc', 0o640, /can be read by other users/],
    ['DATABASE_URL=postgres://a:b@localhost/c', 0o604, /can be read by other users/],
    ['OPENAI_API_KEY=sk-1', 0o600, undefined],
    ['OPENAI_API_KEY=', 0o644, undefined],
    ['PORT=1', 0o644, undefined],
  ])('is warned of where it has a secret: %s, %i', async (text, mode, told) => {
    const folder = await folderWith(text);
    await chmod(path.join(folder, '.env'), mode);
    expect(read(folder).warnings).toEqual(told ? [expect.stringMatching(told)] : []);
  });
});

describe('paths', () => {
  it('of .env start at its folder, and so do the usual ones', async () => {
    const folder = await folderWith('ASSISTANT_FILE=bots/a.json\n');
    expect(read(folder).env).toMatchObject({
      ASSISTANT_FILE: path.join(folder, 'bots/a.json'),
      DATA_DIR: path.join(folder, 'data'),
    });
  });

  it('of the environment start at the working directory, and go before those of .env', async () => {
    const folder = await folderWith('DATA_DIR=kept\n');
    expect(read(folder, { DATA_DIR: './here' }).env.DATA_DIR).toBe('./here');
  });

  it('may begin with ~, which stands for the home folder', async () => {
    const folder = await folderWith('ASSISTANT_FILE=~/a.json\n');
    const { env } = read(folder, { DATA_DIR: '~/x' });
    expect(env).toMatchObject({
      DATA_DIR: path.join(homedir(), 'x'),
      ASSISTANT_FILE: path.join(homedir(), 'a.json'),
    });
    expect(read(folder, { DATA_DIR: './~x' }).env.DATA_DIR).toBe('./~x');
  });

  it('to an assistant file that nobody names lead to assistant.json if it is there', async () => {
    const folder = await temporaryFolder();
    expect(read(folder).env.ASSISTANT_FILE).toBeUndefined();
    await writeFile(path.join(folder, 'assistant.json'), '{}');
    expect(read(folder).env.ASSISTANT_FILE).toBe(path.join(folder, 'assistant.json'));
  });
});

describe('a name that is no setting', () => {
  it.each([
    ['OPENAI_APIKEY', 'OPENAI_API_KEY'],
    ['OPENAI_API_KEYS', 'OPENAI_API_KEY'],
    ['OPENAI_AIP_KEY', 'OPENAI_API_KEY'],
    ['openai_api_key', 'OPENAI_API_KEY'],
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['ASSISTANT_ID', 'OPENAI_ASSISTANT_ID'],
    ['RATE_LIMIT_PER_MINUTE', 'RATE_LIMIT'],
    ['POTR', 'PORT'],
    ['MODEL', 'OPENAI_MODEL'],
  ])('in .env is named where it is near one: %s for %s', async (name, setting) => {
    const { warnings } = read(await folderWith(`${name}=a-value\n`));
    expect(warnings).toEqual([`${name} is not a setting of this service: did you mean ${setting}?`]);
  });

  it.each(['OPENAI_ORG', 'GROQ_API_KEY'])(
    'and has no counterpart is answered with what to do: %s',
    async (name) => {
      const { warnings } = read(await folderWith(`${name}=a-value\n`));
      expect(warnings).toEqual([expect.stringMatching(`^${name} is not a setting of this service: `)]);
      expect(warnings.join()).not.toContain('a-value');
    },
  );

  it('in the environment is named only where it is meant for us', async () => {
    const folder = await temporaryFolder();
    const common = {
      MODEL: 'm',
      POST: '1',
      GROQ_API_KEY: 'k',
      SECRET_KEY: 's',
      SHELL: '/bin/sh',
      HOSTS: 'x',
    };
    expect(read(folder, common).warnings).toEqual([]);
    expect(read(folder, { OPENAI_KEY: 'k' }).warnings).toHaveLength(1);
  });

  it('is nobody’s concern where the setting itself is there, or where it is empty', async () => {
    const folder = await folderWith(
      'OPENAI_APIKEY=\nASSISTANT_ID=a\nOPENAI_ASSISTANT_ID=b\nORDER_HOOK_SECRET=s\n',
    );
    expect(read(folder).warnings).toEqual([]);
  });
});
