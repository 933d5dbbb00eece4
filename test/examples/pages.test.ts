import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { describeInBrowser } from '../helpers/browser.ts';
import { startBoth, type TestService } from '../helpers/service.ts';
import { chatOn } from '../widget/host-page.ts';
import { exampleText } from './helper.ts';

const answer = ({ message }: { message: string }) => `Answer to ${message}`;

/** A site with an example as its page. @param chatToken What its own server answers to `/chat-token`. */
const startPage = async (
  file: string,
  service: TestService,
  chatToken?: () => Promise<unknown>,
): Promise<string> => {
  const text = await exampleText(file, service.url);
  const server = createServer(async (request, response) => {
    if (request.url === '/chat-token' && chatToken) {
      return response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(await chatToken()));
    }
    return response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://localhost:${address.port}/`;
};

await describeInBrowser('the example pages', (browser) => {
  it('bubble.html shows the bubble, and an answer in it', async () => {
    const { service } = await startBoth({ emulator: { answer } });
    const { page, errors } = await browser.newPage();
    await page.goto(await startPage('html/bubble.html', service));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello');
    await chat.settled(1);
    expect(await chat.answers.textContent()).toBe('Answer to Hello');
    expect(errors).toEqual([]);
  });

  it('own-page.html keeps its conversation over a reload, and begins another when its session has ended', async () => {
    const { service } = await startBoth({ emulator: { answer } });
    const { page, errors } = await browser.newPage();
    await page.goto(await startPage('html/own-page.html', service));
    const say = async (text: string) => {
      await page.getByLabel('Message').fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByText(`Assistant: Answer to ${text}`).waitFor();
    };
    const token = async () => String(await page.evaluate("localStorage.getItem('chat-token')"));
    await say('One');
    await page.reload();
    await say('Two');
    const first = await token();
    const { body } = await callApi(service, 'GET', '/api/history', { bearer: first });
    expect(body.history?.map(({ user }) => user)).toEqual(['One', 'Two']);
    await callApi(service, 'DELETE', '/api/session', { bearer: first });
    await say('Three');
    expect(await token()).not.toBe(first);
    expect(errors).toEqual([]);
  });

  it('bubble-signed-in.html shows the bubble, which speaks for the user', async () => {
    const { service } = await startBoth({
      env: { SITE_KEYS: SITE_KEY, IDENTITY: 'signed' },
      emulator: { answer },
    });
    const json = { user_id: '42' };
    const chatToken = async () =>
      (await callApi(service, 'POST', '/api/session', { bearer: SITE_KEY, json })).body;
    const { page, errors } = await browser.newPage();
    await page.goto(await startPage('html/bubble-signed-in.html', service, chatToken));
    const chat = chatOn(page);
    await chat.open();
    await chat.send('Hello');
    await chat.settled(1);
    expect(await chat.answers.textContent()).toBe('Answer to Hello');
    expect(errors).toEqual([]);
    expect((await service.finalLog())['42']).toMatchObject([{ user: 'Hello', verified: true }]);
  });

  it('signed-in.html speaks for the user, renews the token before it ends, and after a 401', async () => {
    const { service, emulator } = await startBoth({
      env: { SITE_KEYS: SITE_KEY, IDENTITY: 'signed', SESSION_TTL: '1h' },
      emulator: { answer },
    });
    const tokens: string[] = [];
    /** How long the page is told that a token lives. */
    let life = 3_600;
    const chatToken = async () => {
      const { body } = await callApi(service, 'POST', '/api/session', {
        bearer: SITE_KEY,
        json: { user_id: '42' },
      });
      tokens.push(body.session_token ?? '');
      return { session_token: body.session_token, expires_at: Date.now() / 1_000 + life };
    };
    const { page, errors } = await browser.newPage();
    await page.goto(await startPage('html/signed-in.html', service, chatToken));
    const say = async (text: string) => {
      await page.getByLabel('Message').fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByText(`Assistant: Answer to ${text}`).waitFor();
    };
    await say('One');
    await say('Two');
    expect(tokens).toHaveLength(1);
    // The token is refused: the page asks for another one, and the message is answered once.
    life = 30;
    await callApi(service, 'DELETE', '/api/session', { bearer: tokens[0] });
    await say('Three');
    expect(tokens).toHaveLength(2);
    // This one is about to end.
    await say('Four');
    expect(tokens).toHaveLength(3);
    expect(emulator.calls.responses).toBe(4);
    const log = await service.finalLog();
    expect(log['42']).toMatchObject(
      ['One', 'Two', 'Three', 'Four'].map((user) => ({ user, verified: true })),
    );
    expect(errors).toEqual([]);
  });
});
