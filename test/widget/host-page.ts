import { createServer } from 'node:http';
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

interface HostPage {
  /** What stands in the page's body. */
  readonly body?: string;
  readonly head?: string;
  readonly headers?: Record<string, string>;
  readonly lang?: string;
  /** The name under which the page is asked for; `localhost`, if absent: the service is at 127.0.0.1. */
  readonly host?: string;
}

/** The line that owners paste. @param attributes Further attributes of the tag. */
export const snippet = (service: { url: string }, attributes = ''): string =>
  `<script src="${service.url}/widget.js" async ${attributes}></script>`;

/** A site of another origin than the service's. It ends with the test. @returns The URL of its only page. */
export const startHostPage = async (page: HostPage): Promise<string> => {
  const { body = '', head = '', headers = {}, lang = 'en', host = 'localhost' } = page;
  const text = `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>A shop</title><meta name="viewport" content="width=device-width, initial-scale=1">${head}</head><body><h1>A shop</h1><main><p>Some text.</p><button id="other">Buy</button></main>${body}</body></html>`;
  const server = createServer((request, response) => {
    if (request.url !== '/') return void response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...headers }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://${host}:${address.port}/`;
};

/** What a visitor does with the chat. */
export const chatOn = (page: Page) => {
  const launcher = page.locator('thread-proxy-chat .launcher');
  const panel = page.locator('thread-proxy-chat .panel');
  const input = panel.locator('.composer textarea');
  const entries = panel.locator('.entry');
  const answers = panel.locator('.entry .assistant .bubble:not(.dots)');
  return {
    launcher,
    panel,
    input,
    entries,
    answers,
    notice: panel.locator('.notice'),
    open: async () => {
      await launcher.click();
      await panel.waitFor();
    },
    send: async (text: string) => {
      await input.fill(text);
      await input.press('Enter');
    },
    /** Waits until the newest answer is over, in whichever way. */
    settled: async (count: number, state = 'done') => {
      await entries
        .nth(count - 1)
        .and(page.locator(`[data-state=${state}]`))
        .waitFor();
    },
  };
};
