import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startChildService } from '../helpers/child-service.ts';
import { numbersIn, placeFor } from './helper.ts';

const AT = 1_700_000_000;
const stored = z.record(z.string(), z.array(z.looseObject({ user: z.string(), bot: z.string().nullable() })));
type Shown = [user: string, bot: string | null, timestamp: unknown];

/** What the log has after an import, without ids. */
const imported = async (log: unknown, args: readonly string[] = []): Promise<Record<string, Shown[]>> => {
  const place = await placeFor(log);
  const { code, stderr } = await place.run(args);
  expect([code, stderr]).toEqual([0, '']);
  const lists = Object.entries(stored.parse(await place.log()));
  return Object.fromEntries(
    lists.map(([key, list]) => [key, list.map(({ user, bot, timestamp }) => [user, bot, timestamp])]),
  );
};

const exchange = (timestamp: unknown) => ({ ann: [{ user: 'Hi', bot: 'Hello', timestamp }] });

describe('import reads times', () => {
  test.each([
    ['in seconds', AT + 0.25],
    ['in milliseconds', AT * 1e3 + 250],
    ['in microseconds', AT * 1e6 + 250_000],
    ['in seconds, as a text', `${AT}.25`],
    ['in milliseconds, as a text', `${AT}250`],
    ['of ISO 8601', '2023-11-14T22:13:20.250Z'],
    ['of ISO 8601 with a zone', '2023-11-15T00:13:20.250+02:00'],
    ['of Python, without a zone', '2023-11-14 22:13:20.250000'],
  ])('%s', async (_, timestamp) => {
    expect(await imported(exchange(timestamp))).toEqual({ ann: [['Hi', 'Hello', AT + 0.25]] });
  });

  test.each(['yesterday', '14.11.2023', '2023-13-40T00:00:00Z', ''])('but not %j', async (timestamp) => {
    const { code, stderr } = await (await placeFor(exchange(timestamp))).run();
    expect(stderr).toContain('line 1, column 9: "ann"[0].timestamp: ');
    expect(code).toBe(1);
  });

  test('of what has none, where it is told one', async () => {
    const log = { ann: [{ user: 'Hi', bot: 'Hello' }] };
    expect(await imported(log, ['--undated', '2023-11-14T22:13:20Z'])).toEqual({
      ann: [['Hi', 'Hello', AT]],
    });
    const { code, stderr } = await (await placeFor(log)).run(['--undated', 'soon']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--undated takes a time')]);
  });
});

const message = (role: string, content: unknown, seconds = 0) => ({ role, content, timestamp: AT + seconds });

describe('import understands', () => {
  test('lists of messages: question and answer, without what no visitor saw', async () => {
    const ann = [
      message('system', 'Be kind.'),
      message('assistant', 'How can I help?', 1),
      message('user', 'One', 2),
      message('assistant', 'First', 3),
      message('user', 'Two', 4),
      message('user', 'and three', 5),
      message('tool', '{}', 6),
      message('assistant', [{ type: 'text', text: 'Second' }], 7),
      message('assistant', 'and third', 8),
      message('user', 'Four', 9),
    ];
    expect(await imported({ ann, bob: [message('human', 'Hi'), message('ai', 'Hello', 1)] })).toEqual({
      ann: [
        ['One', 'First', AT + 2],
        ['Two\nand three', 'Second\nand third', AT + 4],
        ['Four', null, AT + 9],
      ],
      bob: [['Hi', 'Hello', AT]],
    });
  });

  test('one list of exchanges of all users', async () => {
    const log = [
      { user_id: 'ann', user: 'One', bot: 'First', timestamp: AT },
      { user_id: 7, user: 'Two', bot: 'Second', timestamp: AT + 1 },
      { userId: 'ann', user: 'Three', bot: 'Third', timestamp: AT + 2 },
      { user_id: null, user: 'Who am I?', bot: 'Nobody', timestamp: AT + 3 },
    ];
    expect(await imported(log)).toEqual({
      '7': [['Two', 'Second', AT + 1]],
      ann: [
        ['One', 'First', AT],
        ['Three', 'Third', AT + 2],
      ],
      anonymous: [['Who am I?', 'Nobody', AT + 3]],
    });
  });

  test('a list of conversations', async () => {
    const log = [{ user_id: 'ann', messages: [message('user', 'Hi'), message('assistant', 'Hello', 1)] }];
    expect(await imported(log)).toEqual({ ann: [['Hi', 'Hello', AT]] });
  });

  test('a list of messages as OpenAI’s API gives it, the newest first', async () => {
    const of = (id: string, role: string, value: string, seconds: number, thread_id = 'thread_1') => ({
      id,
      object: 'thread.message',
      created_at: AT + seconds,
      thread_id,
      role,
      content: [{ type: 'text', text: { value, annotations: [] } }],
    });
    const data = [
      of('msg_4', 'assistant', 'Second', 3),
      of('msg_3', 'user', 'Two', 2),
      of('msg_5', 'user', 'Other', 1, 'thread_2'),
      of('msg_2', 'assistant', 'First', 1),
      of('msg_1', 'user', 'One', 0),
    ];
    const log = { object: 'list', data, first_id: 'msg_4', last_id: 'msg_1', has_more: false };
    const expected = {
      thread_1: [
        ['One', 'First', AT],
        ['Two', 'Second', AT + 2],
      ],
      thread_2: [['Other', null, AT + 1]],
    };
    expect(await imported(log)).toEqual(expected);
    expect(await imported(data)).toEqual(expected);
  });

  test.each([
    ['UTF-8 with a mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['UTF-16 without a mark', (text: string) => Buffer.from(text, 'utf16le')],
    ['UTF-16, big end first', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
  ])('a file in %s', async (_, encoded) => {
    const long = '漢字🙂'.repeat(200_000);
    const text = JSON.stringify({ ann: [{ user: long, bot: 'Grüße', timestamp: AT }] });
    expect(await imported(encoded(text))).toEqual({ ann: [[long, 'Grüße', AT]] });
  });

  test('all of it again without doubling anything', async () => {
    const log = [
      { user_id: 'ann', user: 'One', bot: 'First', timestamp: '2023-11-14T22:13:20Z' },
      { user_id: 'bob', messages: [message('user', 'Hi'), message('assistant', 'Hello', 1)] },
    ];
    const place = await placeFor(log);
    expect(numbersIn((await place.run()).stdout)).toMatchObject({ new: 2 });
    expect(numbersIn((await place.run()).stdout)).toMatchObject({ new: 0, 'already there': 2 });
  });
});

describe('import --skip-invalid', () => {
  const good = Array.from({ length: 500 }, (_, n) => ({ user: `Q${n}`, bot: `A${n}`, timestamp: AT + n }));
  const text = JSON.stringify({ ann: good }).replace(
    '{"user":"Q250","bot":"A250"',
    '{"user":"Q250","bot":nil',
  );

  test('leaves out one bad exchange of five hundred, and says where it is', async () => {
    const refused = await (await placeFor(text)).run();
    expect(refused.code).toBe(1);
    const [column] = /column \d+/.exec(refused.stderr) ?? [];
    expect(refused.stderr).toMatch(/line 1, column \d+: the exchange "ann"\[250\] is not valid JSON/);

    const place = await placeFor(text);
    const { code, stdout, stderr } = await place.run(['--skip-invalid']);
    expect(code).toBe(0);
    expect(stderr).toBe(`Left out:\n  line 1, ${column}: the exchange "ann"[250] is not valid JSON\n`);
    expect(numbersIn(stdout)).toMatchObject({ exchanges: 499, 'left out': 1, new: 499 });
    expect(stored.parse(await place.log()).ann).toHaveLength(499);

    // Mended, the one comes in its place, and the others are known.
    await place.put(text.replace('"bot":nil', '"bot":"A250"'));
    expect(numbersIn((await place.run()).stdout)).toMatchObject({ new: 1, 'already there': 499 });
  });

  test('does not make a log of what is none', async () => {
    const { code, stderr } = await (await placeFor('{"a":[{"user":')).run(['--skip-invalid']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('it ends too early')]);
  });
});

test('the first start reads the same forms', async () => {
  const place = await placeFor('');
  const dir = place.root;
  const text = JSON.stringify({ ann: [message('user', 'I like tea.'), message('assistant', 'Noted.', 1)] });
  await place.put(Buffer.from(`\uFEFF${text}`, 'utf16le'), 'conversations.json');
  const service = await startChildService({ DATA_DIR: dir, BACKEND: 'offline' });
  const { body } = await service.post({ user_id: 'ann', message: 'What did I say first?' });
  expect(body.answer).toContain('I like tea.');
});
