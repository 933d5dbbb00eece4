import { connect } from 'node:net';
import fc from 'fast-check';
import { expect } from 'vitest';
import { z } from 'zod';
import { malformedRequest, type RawRequest } from './malformed.ts';

export interface RawAnswer {
  readonly status: number;
  readonly requestId: string | undefined;
  readonly body: string;
}

const unchunked = (text: string): { body: string; rest: string } => {
  let body = '';
  let rest = text;
  for (;;) {
    const head = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (!head?.[1]) return { body, rest };
    const size = Number.parseInt(head[1], 16);
    body += rest.slice(head[0].length, head[0].length + size);
    rest = rest.slice(head[0].length + size + 2);
    if (size === 0) return { body, rest };
  }
};

/** The answers that a connection carried, interim ones left out. */
const parseAnswers = (text: string): RawAnswer[] => {
  const answers: RawAnswer[] = [];
  for (let rest = text; ; ) {
    const head = /^HTTP\/1\.1 (\d{3})[^\r\n]*\r\n([\s\S]*?)\r\n\r\n/.exec(`${rest}`);
    if (!head) return answers;
    const headers = head[2] ?? '';
    rest = rest.slice(head[0].length);
    const length = /^content-length: (\d+)/im.exec(headers)?.[1];
    const whole = /^transfer-encoding: chunked/im.test(headers)
      ? unchunked(rest)
      : { body: rest.slice(0, Number(length ?? 0)), rest: rest.slice(Number(length ?? 0)) };
    rest = whole.rest;
    const requestId = /^x-request-id: (.*)$/im.exec(headers)?.[1]?.trim();
    if (Number(head[1]) >= 200) answers.push({ status: Number(head[1]), requestId, body: whole.body });
  }
};

/** How long a connection may take to be answered and closed. */
const DEADLINE_MS = 10_000;

/** Writes the bytes and gives what came back until the service closed the connection. */
export const exchangeRaw = (url: string, { bytes, hangsUpAfter }: RawRequest): Promise<RawAnswer[]> => {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer[]>();
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  const timer = setTimeout(() => {
    reject(new Error(`not answered and closed within ${DEADLINE_MS} ms`));
    socket.destroy();
  }, DEADLINE_MS);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  // A service that has said no may close while we still write.
  socket.on('error', () => undefined);
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    clearTimeout(timer);
    clearTimeout(hangUp);
    resolve(parseAnswers(text));
  });
  if (hangsUpAfter === 0) socket.end(bytes);
  else socket.write(bytes);
  const hangUp = hangsUpAfter ? setTimeout(() => socket.end(), hangsUpAfter) : undefined;
  return promise;
};

const errorAnswer = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    detail: z.string().optional(),
    request_id: z.string(),
  }),
});

/** No answer tells of a fault of ours, and each that refuses does so in the one form. */
const expectSound = (answers: readonly RawAnswer[], request: RawRequest): void => {
  const sent = request.bytes.toString('latin1').slice(0, 2_000);
  if (request.hangsUpAfter === undefined) expect(answers.length, sent).toBeGreaterThan(0);
  for (const { status, requestId, body } of answers) {
    expect(status, sent).toBeLessThan(500);
    expect(requestId, sent).toBeDefined();
    if (status >= 400 && body !== '') {
      expect(errorAnswer.parse(JSON.parse(body)).error.request_id, sent).toBe(requestId);
    }
  }
};

/** Sends so many malformed requests, one after the other. @returns The statuses that came back, counted. */
export const fuzz = async (url: string, numRuns: number, seed: number): Promise<Record<number, number>> => {
  const statuses: Record<number, number> = {};
  const property = fc.asyncProperty(malformedRequest, async (request) => {
    const answers = await exchangeRaw(url, request);
    expectSound(answers, request);
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  });
  // Not fc.assert, which prints the bytes as a list of numbers; expectSound shows them as text.
  const { failed, counterexamplePath, errorInstance } = await fc.check(property, { numRuns, seed });
  if (failed) throw new Error(`seed ${seed}, path ${counterexamplePath}`, { cause: errorInstance });
  return statuses;
};
