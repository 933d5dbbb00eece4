import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { startBoth, startService, upstreamEnv } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

const WORDS = 'one two three four five six';
const message = (text: string, id: string = randomUUID()) => ({ type: 'message', id, message: text });

const startOpen = async (...options: Parameters<typeof startBoth>) => {
  const both = await startBoth(...options);
  const token = await tokenFor(both.service);
  return { ...both, token, client: await openSocket(both.service, { token }) };
};

describe('a resume over a WebSocket', () => {
  it('goes on after the event that was seen, while the turn lives, without loss or repetition', async () => {
    const { service, emulator, client, token } = await startOpen({ emulator: { answer: () => WORDS } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 3 } });
    client.send(message('Count.'));
    const seen = await client.until(({ type }) => type === 'delta');
    client.ws.terminate();
    const id = seen[0]?.id ?? '';
    const again = await openSocket(service, { token });
    again.send({ type: 'resume', id, after: seen.length - 1 });
    emulator.release();
    seen.push(...(await again.until()));
    expect(seen.map(({ event }) => event)).toEqual(seen.map((_, n) => `${id}:${n}`));
    expect(seen.map(({ text = '' }) => text).join('')).toBe(WORDS);
    expect(seen.at(-1)).toMatchObject({ type: 'done', for: id, answer: WORDS });
    expect(emulator.calls.responses).toBe(1);
  });

  it('gives all events without "after", and with -1; after a restart those of the log', async () => {
    const { service, emulator, client, token } = await startOpen({ emulator: { answer: () => WORDS } });
    client.send(message('Count.'));
    const all = (await client.until()).map(({ for: _, ...frame }) => frame);
    const id = all[0]?.id ?? '';
    for (const after of [{}, { after: -1 }, { after: null }]) {
      client.send({ type: 'resume', id, ...after });
      expect((await client.until()).map(({ for: _, ...frame }) => frame)).toEqual(all);
    }
    await service.stop();
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    const again = await openSocket(next, { token });
    again.send({ type: 'resume', id, after: 0 });
    expect(await again.until()).toEqual([
      { type: 'delta', for: id, event: `${id}:1`, text: WORDS },
      { type: 'done', for: id, event: `${id}:2`, id, answer: WORDS },
    ]);
    again.send({ type: 'resume', id, after: 4 });
    expect(await again.until()).toEqual([{ type: 'done', for: id, event: `${id}:5`, id, answer: WORDS }]);
  });

  it('is refused as thread_busy where 32 turns are followed already', async () => {
    const { emulator, client } = await startOpen();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    client.send(message('Think.'));
    const { id } = await client.next();
    for (let n = 0; n < 31; n++) client.send({ type: 'resume', id });
    for (let n = 0; n < 31; n++) expect(await client.next()).toMatchObject({ type: 'accepted' });
    client.send({ type: 'resume', id });
    expect(await client.next()).toMatchObject({ type: 'error', for: id, error: { code: 'thread_busy' } });
    emulator.release();
    const all = await client.until(
      (
        (done) =>
        ({ type }) =>
          type === 'done' && ++done === 32
      )(0),
    );
    expect(all.filter(({ type }) => type === 'done')).toHaveLength(32);
  });

  it('and a stop are refused to another visitor', async () => {
    const { service, emulator, client } = await startOpen();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    client.send(message('Hello!'));
    const id = (await client.next()).id;
    const other = await openSocket(service, { token: await tokenFor(service) });
    for (const type of ['resume', 'stop']) {
      other.send({ type, id });
      expect(await other.next()).toMatchObject({ type: 'error', for: id, error: { code: 'not_found' } });
    }
    emulator.release();
    expect((await client.until()).at(-1)).toMatchObject({ type: 'done', id });
  });
});

describe('a stop over a WebSocket', () => {
  it('ends the answer with what was said', async () => {
    const { emulator, client } = await startOpen({ emulator: { answer: () => WORDS } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    client.send(message('Count.', 'm-1'));
    const id = (await client.next()).id;
    await client.until(({ text }) => text?.includes('two') ?? false);
    client.send({ type: 'stop', id });
    expect((await client.until()).at(-1)).toMatchObject({
      type: 'done',
      for: 'm-1',
      answer: 'one two ',
      truncated: true,
    });
  });
});
