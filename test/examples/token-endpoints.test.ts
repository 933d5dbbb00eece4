import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SITE_KEY } from '../helpers/api.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { EXAMPLES, expectGoodTokens, freePort, startProgram, startSigned, works } from './helper.ts';
import { EXPRESS_IS_INSTALLED, PACKAGES } from './packages.ts';

const HAS_PHP = works('php', '-r', 'exit(function_exists("curl_init") ? 0 : 1);');
const HAS_FLASK = works('python3', '-c', 'import flask, requests');

const skipped = (isThere: boolean, why: string): string => (isThere ? '' : ` (skipped: ${why})`);

/** PHP's own server on a folder; it cannot be told to take any port. @param router Answers in place of the folder's files. */
const startPhp = async (folder: string, env: Record<string, string>, router?: string): Promise<string> => {
  const at = `127.0.0.1:${await freePort()}`;
  return startProgram(['php', '-S', at, '-t', folder, ...(router ? [router] : [])], { env, cwd: folder });
};

const environment = (service: { url: string }) => ({ CHAT_SERVER: service.url, SITE_KEY, PORT: '0' });

describe('the token endpoint', () => {
  it.skipIf(!EXPRESS_IS_INSTALLED)(
    `for Express signs users in${skipped(EXPRESS_IS_INSTALLED, '`npm ci` in test/bubbles brings Express')}`,
    async () => {
      const { service } = await startSigned();
      const folder = await temporaryFolder();
      await cp(path.join(EXAMPLES, 'express'), folder, { recursive: true });
      await symlink(PACKAGES, path.join(folder, 'node_modules'));
      const command = [process.execPath, path.join(folder, 'server.js')] as const;
      const url = await startProgram(command, { env: environment(service), cwd: folder });
      await expectGoodTokens(service, `${url}/chat-token`, { 'X-Demo-User': '42' });
    },
  );

  it.skipIf(!HAS_FLASK)(
    `for Flask signs users in${skipped(HAS_FLASK, 'no python3 with flask and requests')}`,
    async () => {
      const { service } = await startSigned();
      const command = ['python3', path.join(EXAMPLES, 'flask/server.py')] as const;
      const url = await startProgram(command, { env: environment(service) });
      await expectGoodTokens(service, `${url}/chat-token`, { 'X-Demo-User': '42' });
    },
  );

  const php = skipped(HAS_PHP, 'no php with curl');

  it.skipIf(!HAS_PHP)(`for PHP signs users in${php}`, async () => {
    const { service } = await startSigned();
    const folder = await temporaryFolder();
    await cp(path.join(EXAMPLES, 'php/chat-token.php'), path.join(folder, 'chat-token.php'));
    // The site's own login.
    await writeFile(path.join(folder, 'login.php'), "<?php session_start(); $_SESSION['user_id'] = 42;");
    const url = await startPhp(folder, environment(service));
    const login = await fetch(`${url}/login.php`);
    const [cookie = ''] = login.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
    await expectGoodTokens(service, `${url}/chat-token.php`, { Cookie: cookie });
  });

  it.skipIf(!HAS_PHP)(`for Laravel signs users in${php}`, async () => {
    const { service } = await startSigned();
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'routes'));
    await cp(path.join(EXAMPLES, 'laravel/chat-token.php'), path.join(folder, 'routes/web.php'));
    const router = path.join(import.meta.dirname, 'stand-ins/laravel.php');
    const url = await startPhp(folder, environment(service), router);
    await expectGoodTokens(service, `${url}/chat-token`, { 'X-Demo-User': '42' });
  });

  it.skipIf(!HAS_PHP)(`for WordPress signs users in, and is asked by the bubble${php}`, async () => {
    const { service } = await startSigned();
    const folder = await temporaryFolder();
    await cp(path.join(EXAMPLES, 'wordpress/thread-proxy-chat.php'), path.join(folder, 'plugin.php'));
    const router = path.join(import.meta.dirname, 'stand-ins/wordpress.php');
    const url = await startPhp(folder, environment(service), router);
    const signedIn = { 'X-Demo-User': '42' };
    const endpoint = `${url}/wp-admin/admin-ajax.php?action=thread_proxy_chat_token`;
    await expectGoodTokens(service, endpoint, signedIn);
    const pageFor = async (headers: Record<string, string>) => (await fetch(url, { headers })).text();
    const script = `<script src="${service.url}/widget.js" async></script>`;
    expect(await pageFor({})).toBe(script);
    const page = await pageFor(signedIn);
    expect(page).toContain(script);
    expect(page).toContain(JSON.stringify(endpoint).replaceAll('/', '\\/'));
  });
});
