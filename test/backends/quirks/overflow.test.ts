import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { newVisitor, shared } from '../../helpers/at-end.ts';
import { type BackendName, temporaryFolder } from '../../helpers/service.ts';
import { OVERFLOWS } from './overflow-refusals.ts';
import {
  chunk,
  events,
  type Reply,
  refuses,
  SAYS,
  type Sent,
  says,
  sharedScripted,
  startScripted,
} from './scripted-upstream.ts';

const LONG = 'x'.repeat(400);
const lengthOf = ({ body }: Sent) => JSON.stringify(body.messages ?? body).length;

/** Answers what is short enough, and refuses the rest. */
const limited =
  (refusal: Reply, backend: BackendName, limit: number) =>
  (sent: Sent, count: number): Reply => {
    // A thread is full at its second message, and the rebuilt one is not.
    if (backend !== 'completions') return count === 1 ? refusal : SAYS[backend](LONG);
    return lengthOf(sent) > limit ? refusal : says(LONG);
  };

describe('an upstream that is told too much', () => {
  const scripted = shared(async () => {
    const file = path.join(await temporaryFolder(), 'assistant.json');
    await writeFile(file, '{"model":"m"}');
    return { file, ...(await startScripted('completions', () => says(LONG), { ASSISTANT_FILE: file })) };
  });

  it.each(OVERFLOWS)('is told less until it fits: %s', async (_, refusal) => {
    const { file, service, runs, answerWith } = scripted();
    const user_id = newVisitor();
    // How much a model takes in is remembered: each row has a model of its own.
    await writeFile(file, JSON.stringify({ model: user_id }));
    await service.reloadAssistant();
    answerWith(limited(refusal, 'completions', 3_000));
    for (let n = 0; n < 5; n += 1) {
      const { status, body } = await service.post({ user_id, message: `${n} ${LONG}` });
      expect([n, status, body.answer]).toEqual([n, 200, LONG]);
    }
    expect(runs.length).toBeGreaterThan(5);
    // The newest exchanges stay, whole.
    const last = JSON.stringify(runs.at(-1)?.body);
    expect(last).toContain('3 xxx');
    expect(last).not.toContain('"0 xxx');
  });

  it.each(['responses', 'assistants'] as const)('is told less in a rebuilt thread at %s', async (backend) => {
    for (const [, refusal] of OVERFLOWS.slice(0, 2)) {
      const { service, others } = await startScripted(backend, limited(refusal, backend, 0));
      await service.post({ user_id: 'ann', message: `0 ${LONG}` });
      expect((await service.post({ user_id: 'ann', message: 'next' })).status).toBe(200);
      if (backend === 'responses')
        expect(others.filter(({ path }) => path.endsWith('/conversations'))).toHaveLength(2);
    }
  });

  it('learns how much the model takes in, and tells other visitors no more', async () => {
    const [, refusal] = OVERFLOWS[0] ?? ['', says('')];
    const { service, runs } = await startScripted('completions', limited(refusal, 'completions', 3_000));
    for (const user_id of ['ann', 'bob']) {
      for (let n = 0; n < 5; n += 1) await service.post({ user_id, message: `${n} ${LONG}` });
    }
    const refused = runs.filter((sent) => lengthOf(sent) > 3_000);
    // Ann's first long history alone was refused.
    expect(refused).toHaveLength(1);
    expect(
      service.lines.filter(({ level, msg }) => level === 'warn' && msg.includes('HISTORY_MAX_CHARS')),
    ).toHaveLength(1);
  });

  it('is told none of the history where nothing else fits, and then fails clearly', async () => {
    const [, refusal] = OVERFLOWS[0] ?? ['', says('')];
    let isFull = false;
    const { service, runs } = await startScripted('completions', (sent) =>
      isFull && lengthOf(sent) > 700 ? refusal : says(LONG),
    );
    for (let n = 0; n < 5; n += 1) await service.post({ user_id: 'ann', message: `${n} ${LONG}` });
    isFull = true;
    expect((await service.post({ user_id: 'ann', message: 'short' })).status).toBe(200);
    expect(JSON.stringify(runs.at(-1)?.body)).not.toContain('xxx');
    const { status, body } = await service.post({ user_id: 'ann', message: 'y'.repeat(1_000) });
    expect([status, body.error?.code]).toEqual([502, 'upstream_rejected']);
    const advice = service.lines.filter(({ msg }) => msg.includes('MAX_MESSAGE_CHARS'));
    expect(advice).toMatchObject([{ level: 'warn', path: '/v1/chat/completions', status: 400 }]);
  });

  it('that adds the longest answer to what it is told is not sent it where nothing else helps', async () => {
    const refusal = refuses(
      400,
      `{"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 4096 tokens and your request has 904 input tokens (4096 > 4096 - 904).","type":"BadRequestError","param":null,"code":400}}`,
    );
    const { service, runs } = await startScripted('completions', ({ body }) =>
      body.max_tokens === undefined ? says('Hi.') : refusal,
    );
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).body.answer).toBe('Hi.');
    // For this message alone: what is left of the context limits it.
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).body.answer).toBe('Hi.');
    expect(runs.filter(({ body }) => body.max_tokens !== undefined)).toHaveLength(3);
  });

  it('in words that nobody knows is told less when it refuses the same visitor again', async () => {
    const strange = refuses(400, '{"error":{"message":"Eingabe nicht verarbeitbar (E4711)"}}');
    const { service } = await startScripted('completions', limited(strange, 'completions', 3_000));
    const statuses: number[] = [];
    for (let n = 0; n < 8; n += 1)
      statuses.push((await service.post({ user_id: 'ann', message: `${n} ${LONG}` })).status);
    expect(statuses.filter((status) => status !== 200)).toEqual([502]);
    expect(statuses.at(-1)).toBe(200);
  });

  it('is not run again after its first word', async () => {
    const { service, runs } = await startScripted('completions', (_, count) => {
      if (count === 0) return says(LONG);
      const error = { error: { code: 400, message: 'Context size has been exceeded.' } };
      return { body: [events(chunk({ content: 'Well, ' })), events(error)] };
    });
    await service.post({ user_id: 'ann', message: LONG });
    const { status, body } = await service.post({ user_id: 'ann', message: 'And?' });
    expect([status, body.error?.code]).toEqual([502, 'upstream_rejected']);
    expect(runs).toHaveLength(2);
  });
});

describe('what looks like too much and is not', () => {
  const scripted = sharedScripted('completions');

  it.each([
    [
      'a spent rate',
      refuses(
        429,
        '{"error":{"message":"Rate limit reached for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Used 5800, Requested 900. Please try again in 7s.","type":"tokens","code":"rate_limit_exceeded"}}',
        { 'retry-after': '30' },
      ),
      'upstream_busy',
    ],
    [
      'an empty account',
      refuses(
        429,
        '{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}',
      ),
      'upstream_unauthorized',
    ],
    [
      'a prompt that is not wanted',
      refuses(
        400,
        '{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}',
      ),
      'upstream_rejected',
    ],
    [
      'a spent rate with commas in its numbers',
      refuses(
        429,
        '{"error":{"message":"Rate limit reached on tokens per min (TPM): Limit 6,000, Used 5,800, Requested 900.","type":"tokens","code":"rate_limit_exceeded"}}',
        { 'retry-after': '30' },
      ),
      'upstream_busy',
    ],
  ])('is told once: %s', async (_, refusal, code) => {
    const { service, runs, user_id } = scripted((__, count) => (count === 0 ? says(LONG) : refusal));
    await service.post({ user_id, message: LONG });
    const { body } = await service.post({ user_id, message: 'And?' });
    expect(body.error?.code).toBe(code);
    expect(runs).toHaveLength(2);
  });
});
