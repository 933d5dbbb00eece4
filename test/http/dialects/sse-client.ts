import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { expect } from 'vitest';
import { z } from 'zod';
import { SITE_KEY } from '../../helpers/api.ts';
import type { TestService } from '../../helpers/service.ts';

export const OPS_TOKEN = 'ops-token-of-at-least-thirty-two-characters';
export const env = { OPS_TOKEN, SITE_KEYS: SITE_KEY };

const begun = z.object({ session_id: z.string(), username: z.string() });
export const begin = async (service: TestService, username: string) => {
  const response = await fetch(`${service.url}?username=${encodeURIComponent(username)}`);
  expect(response.status).toBe(200);
  return begun.parse(await response.json());
};

export const put = (service: { url: string }, session: string, body: object | string, headers = {}) =>
  fetch(`${service.url}/chat/${session}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

export const codeOf = async (response: Response): Promise<string> => {
  const { error } = z.object({ error: z.object({ code: z.string() }) }).parse(await response.json());
  return `${response.status} ${error.code}`;
};

/** What a reader of server-sent events makes of the answer. */
export const read = async (response: Response): Promise<EventSourceMessage[]> => {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(await response.text());
  return events;
};
export const textIn = (events: EventSourceMessage[]): string => events.map(({ data }) => data).join('');

export const dialogue = z.object({
  chat_history: z.array(
    z.object({ role: z.enum(['user', 'assistant']), content: z.string(), timestamp: z.number() }),
  ),
});
export const historyOf = async (service: TestService, session: string) =>
  dialogue
    .parse(await (await fetch(`${service.url}/chat_history/${session}`)).json())
    .chat_history.map(({ role, content }) => [role, content]);
