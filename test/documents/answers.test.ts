import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { AnswerTurn } from '../../emulator/answer.ts';
import { allEvents } from '../helpers/events.ts';
import { BACKENDS, type BackendName, temporaryFolder } from '../helpers/service.ts';
import { SHIPPING, startWith } from './documents-service.ts';

const RETURNS = '# Returns\n\n## Deadline\n\nYou can send anything back within thirty days of delivery.';

const runBody = z.object({
  instructions: z.string().optional(),
  additional_instructions: z.string().optional(),
  messages: z.array(z.object({ role: z.string(), content: z.unknown() })).optional(),
});
/** Where each wire tells a run what it is to know. */
const toldIn = (backend: BackendName, body: unknown): string => {
  const { instructions, additional_instructions: additional, messages } = runBody.parse(body);
  if (backend === 'responses') return instructions ?? '';
  if (backend === 'assistants') return additional ?? '';
  return String(messages?.[0]?.content ?? '');
};
const ENDPOINT = { responses: 'responses', assistants: 'runs', completions: 'completions' } as const;
const cites = () => 'It costs 4.90 euros [1]. Nothing else [7].';

describe.each(BACKENDS)('an answer from documents, by %s', (backend) => {
  it('is told what fits the message, and carries what it quotes', async () => {
    const { service, emulator } = await startWith(
      { 'shipping.md': SHIPPING, 'returns.md': RETURNS },
      { backend, emulator: { answer: cites } },
    );
    const { body } = await service.post({ user_id: 'ann', message: 'How much is a parcel to Austria?' });
    expect(body).toMatchObject({
      answer: 'It costs 4.90 euros [1]. Nothing else.',
      sources: [{ n: 1, title: 'Shipping', url: 'https://shop.example/shipping' }],
    });
    const run = emulator.requests.findLast(({ endpoint }) => endpoint === ENDPOINT[backend]);
    const told = toldIn(backend, run?.body);
    expect(told).toContain('Parcels to Austria cost 4.90 euros');
    expect(told).not.toContain('thirty days');
    const log = await service.finalLog();
    expect(log.ann?.[0]).toMatchObject({ sources: [{ n: 1, title: 'Shipping' }] });
  });

  it('is told anew with each message, never by the thread', async () => {
    const { service, emulator } = await startWith({ 'shipping.md': SHIPPING }, { backend });
    await service.post({ user_id: 'ann', message: 'How much is a parcel to Austria?' });
    await service.post({ user_id: 'ann', message: 'Thanks, and goodbye!' });
    const run = emulator.requests.findLast(({ endpoint }) => endpoint === ENDPOINT[backend]);
    expect(JSON.stringify(run?.body)).not.toContain('Parcels to Austria');
    const inThreads = emulator.requests.filter(({ endpoint }) =>
      ['conversations', 'items', 'threads', 'messages'].includes(endpoint),
    );
    expect(JSON.stringify(inThreads)).not.toContain('Parcels to Austria');
  });

  it('keeps what the assistant is told beside', async () => {
    const assistant = path.join(await temporaryFolder(), 'assistant.json');
    await writeFile(
      assistant,
      JSON.stringify({ name: 'Shop', model: 'gpt-6-luna', instructions: 'Be brief, dear shop.' }),
    );
    const seen: (string | undefined)[] = [];
    const answer = ({ instructions }: AnswerTurn): string => {
      seen.push(instructions);
      return 'ok';
    };
    const { service } = await startWith(
      { 'shipping.md': SHIPPING },
      { backend, emulator: { answer }, env: { ASSISTANT_FILE: assistant, OPENAI_ASSISTANT_ID: '' } },
    );
    await service.post({ user_id: 'ann', message: 'How much is a parcel to Austria?' });
    expect(seen.at(-1)).toContain('Be brief, dear shop.');
    expect(seen.at(-1)).toContain('Parcels to Austria');
  });
});

describe('an answer from documents', () => {
  it('has its sources in the stream, the history and what is resumed', async () => {
    const { service } = await startWith(
      { 'shipping.md': SHIPPING },
      { emulator: { answer: cites }, env: { SITE_KEYS: 'k'.repeat(40) } },
    );
    const { events } = await service.stream({ user_id: 'ann', message: 'How much is a parcel to Austria?' });
    const all = await allEvents(events);
    const sources = [{ n: 1, title: 'Shipping', url: 'https://shop.example/shipping' }];
    expect(all.at(-1)).toMatchObject({ event: 'done', data: { sources } });
    const deltas = all
      .filter(({ event }) => event === 'delta')
      .map(({ data }) => z.object({ text: z.string() }).parse(data).text);
    expect(deltas.join('')).toBe('It costs 4.90 euros [1]. Nothing else.');
    const token = z.object({ session_token: z.string() }).parse(
      await (
        await fetch(`${service.url}/api/session`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${'k'.repeat(40)}` },
          body: JSON.stringify({ user_id: 'bob' }),
        })
      ).json(),
    ).session_token;
    await service.post({ message: 'How much is a parcel to Austria?' }, { Authorization: `Bearer ${token}` });
    const history = await (
      await fetch(`${service.url}/api/history`, { headers: { Authorization: `Bearer ${token}` } })
    ).json();
    expect(history).toMatchObject({ history: [{ sources }] });
  });

  it('finds what the talk is about by the message before', async () => {
    const { service, emulator } = await startWith({ 'shipping.md': SHIPPING, 'returns.md': RETURNS });
    await service.post({ user_id: 'ann', message: 'Do you send parcels to Austria?' });
    await service.post({ user_id: 'ann', message: 'And how much is it?' });
    const run = emulator.requests.findLast(({ endpoint }) => endpoint === 'responses');
    expect(toldIn('responses', run?.body)).toContain('Parcels to Austria');
  });

  it('is searched for in the words of the model, where QUERY_REWRITE is on', async () => {
    const { service, emulator } = await startWith(
      { 'shipping.md': SHIPPING, 'returns.md': RETURNS },
      { env: { QUERY_REWRITE: 'true' }, emulator: { answer: () => 'deadline for sending back' } },
    );
    await service.post({ user_id: 'ann', message: 'Hello there' });
    await service.post({ user_id: 'ann', message: 'Until when, then?' });
    const run = emulator.requests.findLast(({ endpoint }) => endpoint === 'responses');
    expect(toldIn('responses', run?.body)).toContain('thirty days of delivery');
    expect(emulator.calls.completions).toBe(1);
  });

  it('is the same as ever where the model for rewriting fails', async () => {
    const { service, emulator } = await startWith(
      { 'shipping.md': SHIPPING },
      { env: { QUERY_REWRITE: 'true' } },
    );
    emulator.fail({ on: 'completions', fault: { kind: 'status', status: 500 }, times: 5 });
    await service.post({ user_id: 'ann', message: 'Hello there' });
    const { status } = await service.post({ user_id: 'ann', message: 'A parcel to Austria?' });
    expect(status).toBe(200);
    const run = emulator.requests.findLast(({ endpoint }) => endpoint === 'responses');
    expect(toldIn('responses', run?.body)).toContain('Parcels to Austria');
  });

  it('changes when the folder does and SIGHUP comes', async () => {
    const { service, emulator, folder } = await startWith({ 'shipping.md': SHIPPING, 'returns.md': RETURNS });
    await writeFile(path.join(folder, 'shipping.md'), SHIPPING.replace('4.90', '7.50'));
    await rm(path.join(folder, 'returns.md'));
    await service.reloadAssistant();
    await service.post({
      user_id: 'ann',
      message: 'How much is a parcel to Austria, and how many days for returns?',
    });
    const run = emulator.requests.findLast(({ endpoint }) => endpoint === 'responses');
    expect(toldIn('responses', run?.body)).toContain('7.50');
    expect(toldIn('responses', run?.body)).not.toContain('thirty days');
  });

  it('is told no more than DOCUMENTS_MAX_CHARS', async () => {
    const pages = Object.fromEntries(
      Array.from({ length: 9 }, (_, n) => [
        `${n}.md`,
        `# Lamp ${n}\n\n${`The lamp number ${n} gives light. `.repeat(40)}`,
      ]),
    );
    const { service, emulator } = await startWith(pages, { env: { DOCUMENTS_MAX_CHARS: '4000' } });
    await service.post({ user_id: 'ann', message: 'Which lamp gives light?' });
    const told = toldIn(
      'responses',
      emulator.requests.findLast(({ endpoint }) => endpoint === 'responses')?.body,
    );
    expect(told).toContain('gives light');
    expect(told.length).toBeLessThan(4_400);
  });

  it('is found by meaning, too, where there is a model for embeddings', async () => {
    const { service, emulator } = await startWith(
      { 'shipping.md': SHIPPING, 'returns.md': RETURNS },
      { env: { EMBEDDING_MODEL: 'text-embedding-3-small' } },
    );
    await vi.waitFor(() => expect(emulator.calls.embeddings).toBeGreaterThan(0), { timeout: 20_000 });
    await service.post({ user_id: 'ann', message: 'How much is a parcel to Austria?' });
    expect(emulator.requests.filter(({ endpoint }) => endpoint === 'embeddings')).toContainEqual(
      expect.objectContaining({
        body: expect.objectContaining({
          model: 'text-embedding-3-small',
          input: ['How much is a parcel to Austria?'],
        }),
      }),
    );
  });

  it('counts what embeddings use in the budget of the day', async () => {
    const { service } = await startWith(
      { 'shipping.md': SHIPPING },
      { env: { EMBEDDING_MODEL: 'm', DAILY_TOKENS: '5' } },
    );
    // The one passage alone has more tokens than that.
    await vi.waitFor(
      async () => {
        const { status } = await service.post({
          user_id: 'ann',
          message: 'How much is a parcel to Austria?',
        });
        expect(status).toBe(429);
      },
      { timeout: 20_000 },
    );
  });

  it('does without embeddings while their server is down', async () => {
    const { service, emulator } = await startWith(
      { 'shipping.md': SHIPPING },
      { env: { EMBEDDING_MODEL: 'm', EMBEDDING_BASE_URL: 'http://127.0.0.1:9/v1' } },
    );
    const { status } = await service.post({ user_id: 'ann', message: 'How much is a parcel to Austria?' });
    expect(status).toBe(200);
    const run = emulator.requests.findLast(({ endpoint }) => endpoint === 'responses');
    expect(toldIn('responses', run?.body)).toContain('Parcels to Austria');
  });
});
