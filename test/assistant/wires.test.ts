import { readFileSync } from 'node:fs';
import path from 'node:path';
import { OpenAI } from 'openai';
import { describe, expect, it } from 'vitest';
import { DEFAULT_INSTRUCTIONS } from '../../src/assistant/default.ts';
import { parseAssistant } from '../../src/assistant/parse.ts';
import { toAssistants } from '../../src/assistant/to-assistants.ts';
import { toCompletions } from '../../src/assistant/to-completions.ts';
import { toResponses } from '../../src/assistant/to-responses.ts';
import { startRecorder } from './recorder.ts';

/**
 * Each folder of fixtures/ has an assistant as it was exported, and for each wire what leaves us for it: requests
 * as the SDK sends them, to be held against https://platform.openai.com/docs/api-reference, and what is dropped.
 * The SDK's own methods take the fields here, so that the compiler holds them against its parameter types.
 */
const EXPORTS = ['support-desk', 'plain', 'responses-own'];
const env = { ORDER_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };
const settings = { model: 'gpt-6-luna' };
const USER = { role: 'user' as const, content: 'Hello!' };

const fixture = (folder: string, file: string): unknown =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, 'fixtures', folder, file), 'utf8'));
const load = (folder: string) => parseAssistant(fixture(folder, 'assistant.json'), { env }).definition;
const client = (baseURL: string) => new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });

describe.each(EXPORTS)('the exported assistant %s', (folder) => {
  it('leaves for the Responses wire as recorded', async () => {
    await using recorder = await startRecorder();
    const { fields, dropped } = toResponses(load(folder), settings);
    await client(recorder.baseURL).responses.create({ ...fields, input: USER.content, stream: false });
    expect({ requests: recorder.requests, dropped }).toEqual(fixture(folder, 'responses.json'));
  });

  it('leaves for the Assistants wire as recorded: made there, run on a new thread, run on a known one', async () => {
    await using recorder = await startRecorder();
    const { fields, dropped } = toAssistants(load(folder), settings);
    const { assistants, threads } = client(recorder.baseURL).beta;
    if (fields.create) await assistants.create(fields.create);
    const run = { ...fields.run, assistant_id: 'asst_theirs', stream: false as const };
    await threads.createAndRun({ ...run, thread: { ...fields.thread, messages: [USER] } });
    await threads.runs.create('thread_1', { ...run, additional_messages: [USER] });
    expect({ requests: recorder.requests, dropped }).toEqual(fixture(folder, 'assistants.json'));
  });

  it('leaves for the Chat Completions wire as recorded', async () => {
    await using recorder = await startRecorder();
    const { fields, system, dropped } = toCompletions(load(folder), settings);
    const { model = 'some-model', ...rest } = fields;
    const messages = [{ role: 'system' as const, content: system }, USER];
    await client(recorder.baseURL).chat.completions.create({ ...rest, model, messages, stream: false });
    expect({ requests: recorder.requests, dropped }).toEqual(fixture(folder, 'completions.json'));
  });
});

describe('a definition that says nothing', () => {
  it('gets the default instructions and the model of the settings on Responses and Chat Completions', () => {
    const fields = { model: 'gpt-6-luna', instructions: DEFAULT_INSTRUCTIONS };
    expect(toResponses({}, settings)).toEqual({ fields, dropped: [] });
    expect(toCompletions({}, settings)).toEqual({
      system: DEFAULT_INSTRUCTIONS,
      fields: { model: 'gpt-6-luna' },
      dropped: [],
    });
  });

  it("leaves a server's own assistant its instructions, tools and model", () => {
    const { fields } = toAssistants({}, { model: undefined });
    expect(fields).toEqual({ run: {}, thread: {}, create: undefined });
  });

  it('makes an assistant with the default instructions where a model is set', () => {
    expect(toAssistants({}, settings).fields.create).toEqual({
      model: 'gpt-6-luna',
      instructions: DEFAULT_INSTRUCTIONS,
    });
  });
});

describe('what a wire cannot carry', () => {
  it('is a file_search without a vector store at Responses, which refuses one', () => {
    const { fields, dropped } = toResponses({ tools: [{ type: 'file_search' }] }, settings);
    expect(fields.tools).toBeUndefined();
    expect(dropped).toEqual([expect.stringContaining('tools[0] (file_search) is not offered')]);
  });

  it('never takes a webhook to an upstream', () => {
    const definition = load('support-desk');
    const carried = [toResponses, toAssistants, toCompletions].map((to) => to(definition, settings));
    expect(JSON.stringify(carried)).not.toMatch(/webhook|shop\.example|ORDER_SECRET/);
  });
});
