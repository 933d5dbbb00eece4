import path from 'node:path';
import type { Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';
import { describeInBrowser, type TestBrowser } from '../helpers/browser.ts';
import { startBoth } from '../helpers/service.ts';
import { ARE_INSTALLED, PACKAGES, startBubblePage } from './bubble-page.ts';

/** What the assistant says in these tests. */
const answer = ({ message, number }: { message: string; number: number }) => `Answer ${number} to ${message}`;

const start = async (env: Record<string, string> = {}) => startBoth({ env, emulator: { answer, pace: 2 } });

const suite = (browser: TestBrowser): void => {
  describe('deep-chat', () => {
    const open = async (url: string, connect: string): Promise<Page> => {
      const site = await startBubblePage({
        body: '<deep-chat style="width: 400px; height: 500px"></deep-chat>',
        script: `import '/packages/deep-chat/dist/deepChat.bundle.js';
          const chat = document.querySelector('deep-chat');
          chat.errorMessages = { displayServiceErrorMessages: true };
          chat.connect = { url: '${url}/api/chat/deep-chat', additionalBodyProps: { user_id: crypto.randomUUID() }, ${connect} };`,
      });
      const { page } = await browser.newPage();
      await page.goto(site);
      return page;
    };
    const say = async (page: Page, text: string) => {
      await page.locator('deep-chat #text-input').fill(text);
      await page.keyboard.press('Enter');
    };

    it.each([
      ['sends and shows the answer', ''],
      ['streams the answer', 'stream: true'],
    ])('%s, in one conversation', async (_, connect) => {
      const { service } = await start();
      const page = await open(service.url, connect);
      await say(page, 'Hello');
      await page.getByText('Answer 1 to Hello').waitFor();
      await say(page, 'Again');
      await page.getByText('Answer 2 to Again').waitFor();
    });

    it.each(['', 'stream: true'])('shows why it is refused (%s)', async (connect) => {
      const { service } = await start({ RATE_LIMIT: '1/1h' });
      const page = await open(service.url, connect);
      await say(page, 'Hello');
      await page.getByText('Answer 1 to Hello').waitFor();
      await say(page, 'Again');
      await page.getByText('Too many messages').waitFor();
    });
  });

  describe('@n8n/chat', () => {
    const open = async (url: string, options = ''): Promise<Page> => {
      const site = await startBubblePage({
        body: '<link rel="stylesheet" href="/packages/@n8n/chat/dist/style.css"><div id="n8n-chat" style="height: 500px"></div>',
        script: `import { createChat } from '/packages/@n8n/chat/dist/chat.bundle.es.js';
          createChat({ webhookUrl: '${url}/api/chat/n8n', mode: 'fullscreen', initialMessages: [], ${options} });`,
      });
      const { page } = await browser.newPage();
      await page.goto(site);
      await page.locator('#n8n-chat textarea').waitFor();
      return page;
    };
    const say = async (page: Page, text: string) => {
      await page.locator('#n8n-chat textarea').fill(text);
      await page.keyboard.press('Enter');
    };

    it.each([
      ['sends and shows the answer', ''],
      ['streams the answer', 'enableStreaming: true'],
    ])('%s, and has the conversation again after a reload', async (_, options) => {
      const { service } = await start();
      const page = await open(service.url, options);
      await say(page, 'Hello');
      await page.getByText('Answer 1 to Hello').waitFor();
      await page.reload();
      await page.getByText('Answer 1 to Hello').waitFor();
      await say(page, 'Again');
      await page.getByText('Answer 2 to Again').waitFor();
    });

    it.each(['', 'enableStreaming: true'])('shows why it is refused (%s)', async (options) => {
      const { service, emulator } = await start();
      const page = await open(service.url, options);
      emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 } });
      await say(page, 'Hello');
      await page.getByText('not set up correctly').waitFor();
    });
  });

  describe('flowise-embed', () => {
    const open = async (url: string): Promise<Page> => {
      const site = await startBubblePage({
        body: '<flowise-fullchatbot></flowise-fullchatbot>',
        script: `import Chatbot from '/packages/flowise-embed/dist/web.js';
          Chatbot.initFull({ chatflowid: 'support-bot', apiHost: '${url}' });`,
      });
      const { page } = await browser.newPage();
      await page.goto(site);
      await page.locator('flowise-fullchatbot textarea').waitFor();
      return page;
    };
    const say = async (page: Page, text: string) => {
      await page.locator('flowise-fullchatbot textarea').fill(text);
      await page.keyboard.press('Enter');
    };

    it('streams the answers of one conversation, and rates one', async () => {
      const { service } = await start();
      const page = await open(service.url);
      await say(page, 'Hello');
      await page.getByText('Answer 1 to Hello').waitFor();
      await say(page, 'Again');
      await page.getByText('Answer 2 to Again').waitFor();
      const [rated] = await Promise.all([
        page.waitForResponse((response) => response.url().includes('/api/v1/feedback/')),
        page.locator('flowise-fullchatbot').getByTitle('Thumbs Down').last().click(),
      ]);
      expect(rated.status()).toBe(200);
      const exchanges = Object.values(await service.finalLog()).flat();
      expect(exchanges.at(-1)).toMatchObject({ feedback: { rating: 'down' } });
    });

    it('shows why it is refused: by a limit, and by the upstream', async () => {
      const { service, emulator } = await start({ RATE_LIMIT: '2/1h' });
      const page = await open(service.url);
      emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 } });
      await say(page, 'Hello');
      await page.getByText('not set up correctly').waitFor();
      await say(page, 'Hello');
      await page.getByText('to Hello').waitFor();
      await say(page, 'Again');
      await page.getByText('Too many messages').waitFor();
    });
  });

  describe('useChat of the AI SDK', () => {
    const bundle = async (): Promise<string> => {
      const build = await rolldown({
        input: path.join(import.meta.dirname, 'ai-sdk-page.jsx'),
        resolve: { modules: [PACKAGES] },
        transform: { define: { 'process.env.NODE_ENV': '"production"' } },
        logLevel: 'silent',
      });
      const { output } = await build.generate({ format: 'esm' });
      await build.close();
      return output[0].code;
    };
    const open = async (url: string): Promise<Page> => {
      const site = await startBubblePage({
        body: '<div id="chat"></div>',
        script: `import { show } from '/bundle.js'; show(document.querySelector('#chat'), '${url}');`,
        bundle: await bundle(),
      });
      const { page } = await browser.newPage();
      await page.goto(site);
      await page.getByLabel('Message').waitFor();
      return page;
    };
    const say = async (page: Page, text: string) => {
      await page.getByLabel('Message').fill(text);
      await page.getByRole('button', { name: 'Send' }).click();
    };

    it('streams the answers of one conversation', async () => {
      const { service } = await start();
      const page = await open(service.url);
      await say(page, 'Hello');
      await page.getByText('Answer 1 to Hello').waitFor();
      await say(page, 'Again');
      await page.getByText('Answer 2 to Again').waitFor();
    });

    it('goes on with an answer after a reload in its middle', async () => {
      const { service, emulator } = await start();
      const page = await open(service.url);
      const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
      await say(page, 'Hello');
      await expect.poll(() => hold.holds).toBe(1);
      await page.reload();
      await page.getByText('Answer 1').waitFor();
      hold.release();
      await page.getByText('Answer 1 to Hello').waitFor();
    });

    it('shows why it is refused', async () => {
      const { service } = await start({ RATE_LIMIT: '1/1h' });
      const page = await open(service.url);
      await say(page, 'Hello');
      await page.getByText('Answer 1 to Hello').waitFor();
      await say(page, 'Again');
      await page.getByRole('alert').getByText('Too many messages').waitFor();
    });
  });
};

if (ARE_INSTALLED) await describeInBrowser('published chat windows', suite);
else {
  describe.skip('published chat windows (skipped: `npm ci` in test/bubbles brings them)', () => {
    it('talk to the service', () => undefined);
  });
}
