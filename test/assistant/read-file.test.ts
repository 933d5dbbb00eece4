import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { brokenAt } from '../../src/assistant/json-place.ts';
import { readAssistantFile } from '../../src/assistant/read-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'assistant-'));
afterAll(() => rmSync(folder, { recursive: true }));

const put = (content: string | Buffer): string => {
  const file = path.join(folder, 'assistant.json');
  writeFileSync(file, content);
  return file;
};

describe('the file of an assistant', () => {
  it('is read, also with the byte order mark of some editors', async () => {
    const { definition } = await readAssistantFile(put('\uFEFF{"model":"m"}'), {});
    expect(definition).toEqual({ model: 'm' });
  });

  it('that is our example can be used at once, by any upstream, without a note', async () => {
    const example = path.resolve(import.meta.dirname, '../../assistant.example.json');
    const { definition, notes } = await readAssistantFile(example, {});
    expect(notes).toEqual([]);
    expect(definition.model).toBeUndefined();
    expect(definition.instructions).toContain('You are the support assistant');
    const fields =
      'id object created_at name description model instructions tools tool_resources temperature';
    expect(Object.keys(JSON.parse(readFileSync(example, 'utf8')))).toEqual([
      ...fields.split(' '),
      ...['top_p', 'response_format', 'reasoning_effort', 'metadata', 'x-widget'],
    ]);
  });

  it.each(['{\n  // ours\n  "model": "m" }', '/* ours */ {"model": "m"}', '# ours\n{}'])(
    'with comments is told that JSON has none: %j',
    async (content) => {
      await expect(readAssistantFile(put(content), {})).rejects.toThrow(
        'JSON takes no comments: remove them',
      );
    },
  );

  it('with broken JSON is refused with the place, and without what it says', async () => {
    const file = put('{\n  "instructions": "a secret recipe",\n  "model": nope\n}');
    await expect(readAssistantFile(file, {})).rejects.toThrow(
      `The assistant file ${file} cannot be used:\n  - it is not valid JSON: line 3, column 12`,
    );
    await expect(readAssistantFile(file, {})).rejects.not.toThrow(/recipe|nope/);
  });

  it.each([
    ['that is not there', () => path.join(folder, 'none.json'), 'there is no such file'],
    ['that is a folder', () => folder, 'it is a folder'],
    ['in another encoding', () => put(Buffer.from('{"model":"\xe4"}', 'latin1')), 'not text in UTF-8'],
    ['of another kind', () => put('[1, 2]'), 'it holds no JSON object'],
    ['that is huge', () => put(Buffer.alloc(5 * 1024 * 1024, ' ')), 'larger than 4 MiB'],
  ])('%s is refused with the reason', async (_what, file, reason) => {
    await expect(readAssistantFile(file(), {})).rejects.toThrow(reason);
  });
});

describe('the place where JSON breaks', () => {
  it.each([
    ['', 1, 1],
    ['{"a": x}', 1, 7],
    ['{"a":1,}', 1, 8],
    ['{"a" 1}', 1, 6],
    ['{"a":"b', 1, 8],
    ['[1 2]', 1, 4],
    ['[1,]', 1, 4],
    ['[}', 1, 2],
    ['{"a":01}', 1, 6],
    ['["\\x"]', 1, 3],
    ['["a\nb"]', 1, 4],
    ['{"a":1}x', 1, 8],
    ['{\r\n "a": true,\r\n b: 1}', 3, 2],
    ['[-1.5e+3, "\\u00e4\\n", {}, [], null,\n', 2, 1],
  ])('is found in %j', (text, line, column) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(brokenAt(text)).toEqual({ line, column });
  });
});
