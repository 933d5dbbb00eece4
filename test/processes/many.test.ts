import connect from 'postgres';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { callApi } from '../helpers/api.ts';
import { newVisitor, shared } from '../helpers/at-end.ts';
import { callsTo } from '../helpers/child-service.ts';
import { seeded } from '../helpers/crash-rounds.ts';
import { allEvents, readEvents, until } from '../helpers/events.ts';
import { withOurTables } from '../helpers/new-database.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import type { Answer } from '../helpers/service.ts';
import { shuffled, startSite } from '../helpers/site.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
  return () => databases.dispose();
});

/** Three processes on a database of their own. The assistant tells which message of its thread it answers. */
const start = async (env: Record<string, string> = {}, pace = 1) =>
  startSite({
    databaseUrl: await databases.newDatabase(),
    env,
    emulator: { pace, answer: ({ number, message }) => `${number}: ${message}` },
  });

const codes = (answers: readonly Pick<Answer, 'status' | 'body'>[]) => {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const outcome = `${status} ${body.error?.code ?? ''}`.trim();
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
};

describe('three processes on one database', () => {
  // Those tests that need no settings of their own share three processes; each speaks as new visitors.
  const site = shared(() => start());
  /** The processes, at an upstream that waits so many milliseconds between two words. */
  const sharedAt = (pace: number) => {
    const { emulator, processes, post } = site();
    emulator.pace = pace;
    const [a, b] = processes;
    if (!a || !b) throw new Error('no processes');
    return { emulator, processes, post, a, b };
  };

  it('run one message of a visitor at a time, each once, in order, whichever process it comes to', async () => {
    const site = await start();
    const visitors = Array.from({ length: 200 }, (_, i) => `visitor-${i}`);
    const seed = Date.now() % 2 ** 31;
    const messages = shuffled(
      visitors.flatMap((user_id) => ['one', 'two', 'three'].map((message) => ({ user_id, message }))),
      seeded(seed),
    );
    const answers = await Promise.all(messages.map((message) => site.post(message)));
    expect(codes(answers), `seed ${seed}`).toEqual({ 200: 600 });
    // A conversation that was found locked would have cost another call.
    expect(site.emulator.calls.responses).toBe(600);
    expect(site.emulator.calls.conversations).toBe(200);
    expect([...site.front.sent.values()]).toEqual([200, 200, 200]);

    // Which message of its thread each is, as the assistant has told: none was run twice, none beside another.
    for (const user_id of visitors) {
      const numbers = messages.flatMap((message, i) =>
        message.user_id === user_id ? [Number(answers[i]?.body.answer?.split(':')[0])] : [],
      );
      expect(numbers.toSorted(), user_id).toEqual([1, 2, 3]);
    }
  });

  it('run them in the order in which they were accepted', async () => {
    const { processes } = sharedAt(20);
    const user_id = newVisitor();
    const direct = processes.map(({ url }) => callsTo(url));
    const streams = [];
    for (const [i, message] of ['one', 'two', 'three', 'four'].entries()) {
      const taken = await direct[i % 3]?.stream({ user_id, message });
      // Accepted, not yet answered.
      expect((await taken?.events.next())?.value).toMatchObject({ event: 'accepted' });
      streams.push(taken?.events);
    }
    const ends = await Promise.all(
      streams.map(async (events) => (await allEvents(events ?? empty())).at(-1)),
    );
    expect(ends.map((end) => end?.data.answer)).toEqual(['1: one', '2: two', '3: three', '4: four']);
  });

  it('let no more messages of a visitor wait than one process would', async () => {
    const site = await start({ MAX_WAITING: '2' });
    const first = site.emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    let refused = 0;
    const answering = Promise.all(
      Array.from({ length: 9 }, async (_, i) => {
        const answer = await site.post({ user_id: 'ann', message: `${i}` });
        if (answer.status !== 200) refused += 1;
        return answer;
      }),
    );
    await until(() => refused === 6 && first.holds === 1, 'six refusals while the first is answered');
    first.release();
    expect(codes(await answering)).toEqual({ 200: 3, '409 thread_busy': 6 });
    expect(site.emulator.calls.responses).toBe(3);
  });

  it('count calls of an address together, exactly', async () => {
    const site = await start({ RATE_LIMIT: '20/1h' });
    const call = (client: string) => site.post({ message: 'Hello!' }, { 'X-Client': client });
    const answers = await Promise.all(Array.from({ length: 60 }, () => call('203.0.113.7')));
    expect(codes(answers)).toEqual({ 200: 20, '429 rate_limited': 40 });
    expect((await call('203.0.113.8')).status).toBe(200);
    expect(Number((await call('203.0.113.7')).headers.get('retry-after'))).toBeGreaterThan(3_500);
  });

  it('count the messages of a day together, exactly; one that is refused is not counted', async () => {
    const site = await start({ DAILY_MESSAGES: '30', MAX_WAITING: '0' }, 5);
    const busy = await Promise.all(
      Array.from({ length: 12 }, () => site.post({ user_id: 'ann', message: 'x' })),
    );
    const taken = busy.filter(({ status }) => status === 200).length;
    expect(codes(busy)).toEqual({ 200: taken, '409 thread_busy': 12 - taken });
    const answers = await Promise.all(Array.from({ length: 50 }, () => site.post({ message: 'Hello!' })));
    expect(codes(answers)).toEqual({ 200: 30 - taken, '429 budget_spent': 20 + taken });
  });

  it('count a message that comes with one key to all of them once in the budget of the day', async () => {
    const site = await start({ DAILY_MESSAGES: '2' }, 5);
    const headers = { 'Idempotency-Key': 'key-1' };
    const same = Array.from({ length: 6 }, () => site.post({ user_id: 'ann', message: 'Hello!' }, headers));
    expect(codes(await Promise.all(same))).toEqual({ 200: 6 });
    expect(codes([await site.post({ message: 'The second.' })])).toEqual({ 200: 1 });
    expect(codes([await site.post({ message: 'The third.' })])).toEqual({ '429 budget_spent': 1 });
  });

  it('answer one message of one key once, however many of them get it', async () => {
    const { emulator, post } = sharedAt(5);
    const user_id = newVisitor();
    const headers = { 'Idempotency-Key': 'key-1' };
    const before = emulator.calls.responses;
    const answers = await Promise.all(
      Array.from({ length: 9 }, () => post({ user_id, message: 'Hello!' }, headers)),
    );
    expect(codes(answers)).toEqual({ 200: 9 });
    expect(new Set(answers.map(({ body }) => `${body.id} ${body.answer}`)).size).toBe(1);
    expect(emulator.calls.responses - before).toBe(1);
    const other = await post({ user_id, message: 'Another' }, headers);
    expect(codes([other])).toEqual({ '422 idempotency_mismatch': 1 });
  });

  it('say that it can be sent again where a message that another process accepted is undone', async () => {
    const databaseUrl = await databases.newDatabase();
    const site = await startSite({ databaseUrl, processes: 2 });
    const [a, b] = site.processes;
    if (!a || !b) throw new Error('no processes');
    site.emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    const headers = { 'Idempotency-Key': 'key-1' };
    const first = await a.stream({ user_id: 'ann', message: 'Hello!' }, headers);
    const { value } = await first.events.next();
    const again = b.post({ user_id: 'ann', message: 'Hello!' }, headers);
    const sql = connect(withOurTables(databaseUrl), { max: 1 });
    onTestFinished(() => sql.end());
    // As the store does where the answer to accepting it was lost.
    await sql`update tp_taken set undone = now(), process = null where id = ${value?.data.id ?? ''}`;
    const { status, body } = await again;
    expect([status, body.error?.code]).toEqual([503, 'log_unavailable']);
    await first.response.body?.cancel().catch(() => undefined);
    site.emulator.release();
  });

  it('let a reader go on at another process, and end with the same answer', async () => {
    const { a, b } = sharedAt(20);
    const { events } = await a.stream({ user_id: newVisitor(), message: 'Hello there, how are you today?' });
    const { value } = await events.next();
    const id = value?.data.id ?? '';
    const response = await fetch(`${b.url}/api/chat/${id}/events`, {
      headers: { 'Last-Event-ID': `${id}:0` },
    });
    const rest = await allEvents(readEvents(response));
    expect(
      rest
        .filter(({ event }) => event === 'delta')
        .map(({ data }) => data.text)
        .join(''),
    ).toBe('1: Hello there, how are you today?');
    expect(rest.at(-1)).toMatchObject({
      event: 'done',
      data: { answer: '1: Hello there, how are you today?' },
    });
    expect((await allEvents(events)).at(-1)?.data).toEqual(rest.at(-1)?.data);
  });

  it('stop a run that another process has started', async () => {
    const { emulator, a, b } = sharedAt(200);
    const { events } = await a.stream({ user_id: newVisitor(), message: 'word '.repeat(100) });
    const { value } = await events.next();
    await events.next();
    const aborted = emulator.nextAbort();
    expect((await callApi(b, 'DELETE', `/api/chat/${value?.data.id}`)).status).toBe(204);
    await aborted;
    const end = (await allEvents(events)).at(-1);
    expect(end).toMatchObject({ event: 'done', data: { truncated: true } });
  });

  it('accept no token that has ended at another', async () => {
    const { a, b } = sharedAt(1);
    const { session_token: bearer } = (await callApi(a, 'POST', '/api/session')).body;
    expect((await callApi(b, 'GET', '/api/history', { bearer })).status).toBe(200);
    expect((await callApi(b, 'DELETE', '/api/session', { bearer })).status).toBe(204);
    expect((await callApi(a, 'GET', '/api/history', { bearer })).code).toBe('session_expired');
  });

  it('hide at once what a visitor cleared at another, also what still runs', async () => {
    const { a, b } = sharedAt(20);
    const { session_token: bearer } = (await callApi(a, 'POST', '/api/session')).body;
    const history = async (of: { url: string }) =>
      (await callApi(of, 'GET', '/api/history', { bearer })).body.history?.length;
    const say = (of: typeof a, message: string) => of.post({ message, session_token: bearer });
    expect((await say(a, 'My name is Ann.')).status).toBe(200);
    expect(await history(b)).toBe(1);
    const running = await a.stream({ message: 'And I like tea.', session_token: bearer });
    await running.events.next();
    expect((await callApi(b, 'DELETE', '/api/history', { bearer })).status).toBe(204);
    await allEvents(running.events);
    expect([await history(a), await history(b)]).toEqual([0, 0]);
    expect((await say(b, 'Who am I?')).body.answer).toBe('1: Who am I?');
  });

  it('free a thread whose process was killed, and log its turn as failed', async () => {
    const site = await start({}, 100);
    const [a, b] = site.processes;
    if (!a || !b) throw new Error('no processes');
    const headers = { 'Idempotency-Key': 'the-key' };
    const message = { user_id: 'ann', message: 'word '.repeat(200) };
    const cut = await a.stream(message, headers);
    await cut.events.next();
    const waiting = b.post({ user_id: 'ann', message: 'Are you there?' });
    a.kill('SIGKILL');
    await expect(allEvents(cut.events)).rejects.toThrow();
    expect((await waiting).status).toBe(200);
    // Its key is free again, as soon as the turn is logged as failed.
    site.emulator.pace = 0;
    await until(
      async () => (await b.post(message, headers)).status === 200,
      'an answer to the message that was cut off',
      30_000,
    );
  }, 60_000);
});

async function* empty(): AsyncGenerator<never, void, undefined> {}
