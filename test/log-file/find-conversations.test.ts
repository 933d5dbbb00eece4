import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { CompactNumbers } from '../../src/log-file/compact-numbers.ts';
import {
  ConversationsSyntaxError,
  type Found,
  findConversations,
  type ReadOn,
  wholeText,
} from '../../src/log-file/find-conversations.ts';
import { openLogReader } from '../../src/log-file/log-reader.ts';
import { tempFolder } from '../stores/sqlite/helper.ts';

/** Gives the text in pieces of so many bytes, always in the same memory, as a file's reader does. */
const inPieces = (text: Buffer, bytes: number): ReadOn => {
  let at = 0;
  let memory = Buffer.alloc(0);
  return (needed) => {
    if (at >= text.length) return undefined;
    const piece = text.subarray(at, at + bytes);
    at += piece.length;
    const into =
      memory.length < needed.length + piece.length ? Buffer.alloc(2 * (needed.length + bytes)) : memory;
    into.set(needed);
    into.set(piece, needed.length);
    into.fill(0x21, needed.length + piece.length);
    memory = into;
    return into.subarray(0, needed.length + piece.length);
  };
};

const all = (readOn: ReadOn): { found: Found[]; fault: string | undefined } => {
  const found: Found[] = [];
  try {
    for (const one of findConversations(readOn)) found.push(one);
    return { found, fault: undefined };
  } catch (error) {
    if (!(error instanceof ConversationsSyntaxError)) throw error;
    return { found, fault: `${error.at}: ${error.message}` };
  }
};

const json = fc.jsonValue();
const log = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.array(json, { maxLength: 4 })), {
  maxLength: 4,
});
const spaces = fc.constantFrom(0, 1, 4);

test('whatever pieces a log comes in, the same is found at the same places', () => {
  fc.assert(
    fc.property(log, spaces, fc.integer({ min: 1, max: 9 }), (lists, indent, bytes) => {
      const text = Buffer.from(JSON.stringify(Object.fromEntries(lists), null, indent));
      const whole = all(wholeText(text));
      expect(whole.fault).toBeUndefined();
      expect(all(inPieces(text, bytes))).toEqual(whole);
      const elements = whole.found.flatMap((one) => (one.kind === 'element' ? [one.json] : []));
      expect(elements.map((one): unknown => JSON.parse(one))).toEqual(
        JSON.parse(JSON.stringify(Object.values(Object.fromEntries(lists)).flat())),
      );
    }),
  );
});

test('whatever is broken in a log, the same fault is found at the same place', () => {
  const place = fc.nat({ max: 200 });
  fc.assert(
    fc.property(
      log,
      place,
      fc.constantFrom('', '"', '}', ']', ',', '\\', '\u00ff', 'x'),
      place,
      (lists, at, by, end) => {
        const whole = JSON.stringify(Object.fromEntries(lists));
        const broken = Buffer.from(`${whole.slice(0, at)}${by}${whole.slice(at + 1)}`.slice(0, 50 + end));
        expect(all(inPieces(broken, 3))).toEqual(all(wholeText(broken)));
      },
    ),
  );
});

test('a file is read to its end, again and again, and its places are told in lines', async () => {
  const path = join(await tempFolder(), 'log.json');
  const one = JSON.stringify({ user: 'ü'.repeat(400), bot: 'b', timestamp: 1 });
  // All in front of the last element, and that place itself.
  const line = Buffer.from(`"user-2999": [${one}, {`);
  const lists = Array.from({ length: 3000 }, (_, i) => `"user-${i}": [${one}, ${one}]`);
  await writeFile(path, `{\n${lists.join(',\n')}\n}`);
  const reader = openLogReader(path);
  onTestFinished(() => reader.close());
  for (let round = 0; round < 2; round++) {
    const found = [...reader.pass()];
    expect(found).toHaveLength(9000);
    expect(reader.position).toBe(reader.size);
    expect(found.every((each) => each.kind === 'list' || each.json === one)).toBe(true);
    expect(reader.placesOf([found.at(-1)?.at ?? 0])(found.at(-1)?.at ?? 0)).toEqual({
      line: 3001,
      column: line.length,
    });
  }
  expect(reader.hasChanged()).toBe(false);
  await writeFile(path, '{}');
  expect(reader.hasChanged()).toBe(true);
});

test('numbers are found by their texts, however many there are', () => {
  const numbers = new CompactNumbers();
  for (let i = 0; i < 20_000; i++) numbers.set(`text-${i}`, i);
  for (let i = 0; i < 20_000; i += 2) numbers.set(`text-${i}`, 2 ** 32 - 1 - i);
  expect(numbers.size).toBe(20_000);
  for (let i = 0; i < 20_000; i++) expect(numbers.get(`text-${i}`)).toBe(i % 2 === 0 ? 2 ** 32 - 1 - i : i);
  expect(numbers.get('another')).toBeUndefined();
});
