/** The steps of a run, as they are shown and streamed: it calls functions, or it writes a message. */

import type { OpenAI } from 'openai';
import { type CallPiece, callPieces } from './plan.ts';
import { type Stage, type StoredRun, usageOf } from './run-object.ts';
import { frameOf, namedEvent, WORDS } from './sse.ts';
import { tokensOf } from './tokens.ts';
import type { ToolOutput } from './transcript.ts';

type StreamEvent = OpenAI.Beta.AssistantStreamEvent;
type RunStep = OpenAI.Beta.Threads.Runs.RunStep;
type MessageDelta = OpenAI.Beta.Threads.MessageContentDelta;
type CallDelta = OpenAI.Beta.Threads.Runs.FunctionToolCallDelta;

/** How the streaming of a stage's deltas looks. */
export type Deltas = (piece: number) => string;

const stepObject = (
  run: StoredRun,
  { step, plan, promptChars }: Stage,
  status: RunStep['status'],
  details: RunStep['step_details'],
): RunStep => {
  const { echo } = run;
  const at = (wanted: RunStep['status']) => (status === wanted ? echo.createdAt : null);
  return {
    id: step,
    object: 'thread.run.step',
    created_at: echo.createdAt,
    run_id: echo.id,
    assistant_id: echo.assistant,
    thread_id: echo.thread,
    type: details.type,
    status,
    cancelled_at: at('cancelled'),
    completed_at: at('completed'),
    expired_at: at('expired'),
    failed_at: at('failed'),
    last_error: null,
    step_details: details,
    usage: status === 'in_progress' ? null : usageOf(tokensOf(promptChars), plan.pieces.length),
    metadata: {},
  };
};

/** The step that writes the message. */
export const messageStep = (run: StoredRun, stage: Stage, status: RunStep['status']): RunStep =>
  stepObject(run, stage, status, {
    type: 'message_creation',
    message_creation: { message_id: stage.message },
  });

/** The step that calls functions. While it is in progress, its calls come as deltas. */
export const callsStep = (
  run: StoredRun,
  stage: Stage,
  status: RunStep['status'],
  outputs: readonly ToolOutput[] = [],
): RunStep => {
  const calls = status === 'in_progress' ? [] : stage.plan.calls;
  return stepObject(run, stage, status, {
    type: 'tool_calls',
    tool_calls: calls.map(({ callId, name, arguments: given }) => ({
      id: callId,
      type: 'function',
      function: {
        name,
        arguments: given,
        output: outputs.find((output) => output.callId === callId)?.output ?? null,
      },
    })),
  });
};

export const messageDeltas = ({ plan, message: id }: Stage): Deltas => {
  const part: MessageDelta = plan.refusal
    ? { index: 0, type: 'refusal', refusal: WORDS }
    : { index: 0, type: 'text', text: { value: WORDS } };
  const event: StreamEvent = {
    event: 'thread.message.delta',
    data: { id, object: 'thread.message.delta', delta: { content: [part] } },
  };
  const [before, after] = frameOf(namedEvent(event));
  return (piece) => before + JSON.stringify(plan.pieces[piece]) + after;
};

/** A call's id and name come before the first piece of its arguments. */
export const callDeltas = ({ plan, step: id }: Stage): Deltas => {
  const pieces = callPieces(plan.calls);
  const event = (call: CallDelta): string =>
    namedEvent({
      event: 'thread.run.step.delta',
      data: {
        id,
        object: 'thread.run.step.delta',
        delta: { step_details: { type: 'tool_calls', tool_calls: [call] } },
      },
    } satisfies StreamEvent);
  const opening = ({ call, index }: CallPiece): string =>
    event({
      index,
      id: call.callId,
      type: 'function',
      function: { name: call.name, arguments: '', output: null },
    });
  return (piece) => {
    const here = pieces[piece];
    if (here === undefined) return '';
    const { index, text, opens } = here;
    return (opens ? opening(here) : '') + event({ index, type: 'function', function: { arguments: text } });
  };
};
