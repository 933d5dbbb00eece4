import { randomUUID } from 'node:crypto';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';

/** What the tests of the published chat windows' forms share. */

/** Posts JSON as the windows do. */
export const postJson = (
  service: { url: string },
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) =>
  fetch(service.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

export const SSE = { Accept: 'text/event-stream' };

/** A JSON object of any form. */
export const jsonOf = async (response: Response) => z.looseObject({}).parse(await response.json());

/** The data of all server-sent events, parsed where it is JSON. */
export const dataOf = async (response: Response): Promise<unknown[]> => {
  const all: unknown[] = [];
  const parser = createParser({
    onEvent: ({ data }) => all.push(data === '[DONE]' ? data : JSON.parse(data)),
  });
  parser.feed(await response.text());
  return all;
};

/** A session id as these windows make them. */
export const newSession = (): string => randomUUID();

/** Reads an answer's text piece by piece. */
export const textReader = (response: Response) => {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    /** Reads until `isThere` holds of all that came. @throws Error where the answer ends before. */
    until: async (isThere: (text: string) => boolean): Promise<string> => {
      while (!isThere(text)) {
        const { done, value = '' } = (await reader?.read()) ?? { done: true };
        if (done) throw new Error(`the answer ended: ${text}`);
        text += value;
      }
      return text;
    },
    leave: async () => reader?.cancel(),
  };
};
