/** An input that is longer than the model can read, as each wire tells it. */

import { APIError } from 'openai';
import { expect, test } from 'vitest';
import { collect, collectUntilError, failureOf, start } from './start.ts';
import { CHAT_TOOLS, clock, inRounds } from './tools.ts';

const CODE = 'context_length_exceeded';
const WORDS = 'Your input exceeds the context window of this model. Please adjust your input and try again.';
const REQUEST = { model: 'm', input: 'Hello' };
const CHAT = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello' }] };
const RUN = { assistant_id: 'asst_1', thread: { messages: CHAT.messages } };

test('a response is refused, streamed or not, and its conversation is as before', async () => {
  const { emulator, openai } = await start();
  const { id: conversation } = await openai.conversations.create();
  emulator.fail({ on: 'responses', fault: { kind: 'context-full' }, times: 2 });
  for (const stream of [true, false]) {
    const error = await failureOf(openai.responses.create({ ...REQUEST, conversation, stream }));
    expect(error).toMatchObject({
      status: 400,
      error: { message: WORDS, type: 'invalid_request_error', param: 'input', code: CODE },
    });
  }
  const { output_text: answer } = await openai.responses.create({ ...REQUEST, conversation });
  expect(answer).toContain('This is message 1');
});

test('in the stream a response fails before its first word', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'context-full', inStream: true }, times: 2 });
  const events = await collect(await openai.responses.create({ ...REQUEST, stream: true }));
  expect(events.filter(({ type }) => type.endsWith('.delta'))).toEqual([]);
  const failed = { status: 'failed', error: { code: CODE, message: WORDS } };
  expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: failed });
  expect(await openai.responses.create(REQUEST)).toMatchObject(failed);
});

test('or an error event tells it, with the error nested', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'context-full', inStream: 'error-event' }, times: 2 });
  const { error } = await collectUntilError(await openai.responses.create({ ...REQUEST, stream: true }));
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ code: CODE, param: 'input', error: { message: WORDS } });
  await expect(openai.responses.create(REQUEST)).rejects.toMatchObject({ status: 400, code: CODE });
});

test('a run fails, at once or with its outputs', async () => {
  const { emulator, openai } = await start({ callTools: inRounds([clock]) });
  const { runs } = openai.beta.threads;
  const failed = { status: 'failed', last_error: { code: 'server_error', message: WORDS } };
  emulator.fail({ on: 'runs', fault: { kind: 'context-full' } });
  const events = await collect(await openai.beta.threads.createAndRun({ ...RUN, stream: true }));
  expect(events.at(-1)).toMatchObject({ event: 'thread.run.failed', data: failed });

  const { id, thread_id } = await openai.beta.threads.createAndRunPoll({ ...RUN, tools: CHAT_TOOLS });
  const waiting = await runs.retrieve(id, { thread_id });
  const calls = waiting.required_action?.submit_tool_outputs.tool_calls ?? [];
  const tool_outputs = calls.map((call) => ({ tool_call_id: call.id, output: 'long' }));
  emulator.fail({ on: 'runs.submit', fault: { kind: 'context-full', inStream: true } });
  expect(await runs.submitToolOutputsAndPoll(id, { thread_id, tool_outputs })).toMatchObject(failed);
});

test('a completion is refused, or breaks off', async () => {
  const { emulator, openai } = await start();
  const refusal = {
    status: 400,
    error: {
      message: expect.stringContaining("This model's maximum context length is"),
      type: 'invalid_request_error',
      param: 'messages',
      code: CODE,
    },
  };
  emulator.fail({ on: 'completions', fault: { kind: 'context-full' } });
  await expect(openai.chat.completions.create({ ...CHAT, stream: true })).rejects.toMatchObject(refusal);
  emulator.fail({ on: 'completions', fault: { kind: 'context-full', inStream: true }, times: 2 });
  await expect(openai.chat.completions.create(CHAT)).rejects.toMatchObject(refusal);
  const stream = await openai.chat.completions.create({ ...CHAT, stream: true });
  expect((await collectUntilError(stream)).error).toMatchObject({ code: CODE });
});
