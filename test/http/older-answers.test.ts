import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { startService, temporaryFolder } from '../helpers/service.ts';

it("an answer of an older log is shown without its provider's markers, whichever way it is read", async () => {
  const dir = await temporaryFolder();
  const bot = '<think>Greet.</think>Two weeks【4:0†source】.';
  const log = { ann: [{ user: 'How long?', bot, timestamp: 1_696_614_303, verified: true }] };
  await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(log));
  const service = await startService({ DATA_DIR: dir, SITE_KEYS: SITE_KEY });
  const json = { user_id: 'ann' };
  const { body } = await callApi(service, 'POST', '/api/session', { bearer: SITE_KEY, json });
  const bearer = String(body.session_token);
  const history = await callApi(service, 'GET', '/api/history', { bearer });
  const refreshed = await callApi(service, 'GET', `/chat_history/${bearer}`);
  const previous = await callApi(service, 'POST', '/api/chat/n8n', {
    bearer,
    json: { action: 'loadPreviousSession', sessionId: 'ann' },
  });
  const told = [history, refreshed, previous].map(({ body: read }) => JSON.stringify(read));
  for (const text of told) {
    expect(text).toContain('Two weeks.');
    expect(text).not.toMatch(/Greet|source/);
  }
});
