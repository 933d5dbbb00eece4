/** The event sequence of a run's stage: `thread.run.created` … `thread.run.completed`, `done`. */

import type { OpenAI } from 'openai';
import type { Ending } from './plan.ts';
import type { Stage, StoredRun } from './run-object.ts';
import { callDeltas, callsStep, messageDeltas, messageStep } from './run-steps.ts';
import { NAMED_DONE, namedEvent } from './sse.ts';
import { messageObject } from './thread-objects.ts';
import type { Message } from './transcript.ts';
import type { Script } from './turn.ts';

type StreamEvent = OpenAI.Beta.AssistantStreamEvent;
type RunStatus = OpenAI.Beta.Threads.RunStatus;
type RunStep = OpenAI.Beta.Threads.Runs.RunStep;

const text = (events: readonly StreamEvent[]): string => events.map(namedEvent).join('');

/** Why the answer of a run that ended so is incomplete. */
const BROKE_OFF = {
  failed: 'run_failed',
  expired: 'run_expired',
  cancelled: 'run_cancelled',
} as const;

const brokeOff = (ending: Ending): Message['incomplete'] => {
  switch (ending.kind) {
    case 'incomplete':
      return ending.reason === 'content_filter' ? 'content_filter' : 'max_tokens';
    case 'failed':
    case 'expired':
    case 'cancelled':
      return BROKE_OFF[ending.kind];
    default:
      return undefined;
  }
};

export interface RunParts {
  readonly run: StoredRun;
  readonly stage: Stage;
  /** The events that tell why it is queued: it was made, or got what it waited for. */
  readonly before: () => readonly StreamEvent[];
  /** Called when the stage is over, with the message to remember of it. */
  readonly end: (status: RunStatus, said?: Message) => void;
}

export const runScript = ({ run, stage, before, end }: RunParts): Script => {
  const { echo } = run;
  const { plan } = stage;
  const { ending } = plan;
  const calling = plan.calls.length > 0;
  const incomplete = brokeOff(ending);
  const said: Message = {
    id: stage.message,
    role: 'assistant',
    text: plan.text,
    createdAt: echo.createdAt,
    run: { id: echo.id, assistant: echo.assistant },
    ...(plan.refusal && { refusal: true }),
    ...(incomplete && { incomplete }),
  };
  const step = (status: RunStep['status']): RunStep =>
    calling ? callsStep(run, stage, status) : messageStep(run, stage, status);

  const status = (): RunStatus => {
    if (ending.kind === 'error-event') return 'failed';
    return calling && ending.kind === 'completed' ? 'requires_action' : ending.kind;
  };

  const opening = (): StreamEvent[] => {
    const data = step('in_progress');
    const steps: StreamEvent[] = [
      { event: 'thread.run.step.created', data },
      { event: 'thread.run.step.in_progress', data },
    ];
    if (calling) return steps;
    const empty = { ...messageObject(echo.thread, said), content: [], completed_at: null };
    const message = {
      ...empty,
      status: 'in_progress' as const,
      incomplete_at: null,
      incomplete_details: null,
    };
    return [
      ...steps,
      { event: 'thread.message.created', data: message },
      { event: 'thread.message.in_progress', data: message },
    ];
  };

  const cancelling = (): StreamEvent[] => [
    { event: 'thread.run.cancelling', data: run.object('cancelling') },
    { event: 'thread.run.cancelled', data: run.object('cancelled') },
  ];

  const closing = (): StreamEvent[] => {
    const data = run.object();
    const message = messageObject(echo.thread, said);
    const brokenMessage: StreamEvent[] = calling
      ? []
      : [{ event: 'thread.message.incomplete', data: message }];
    switch (ending.kind) {
      case 'completed':
        if (calling) return [{ event: 'thread.run.requires_action', data }];
        return [
          { event: 'thread.message.completed', data: message },
          { event: 'thread.run.step.completed', data: step('completed') },
          { event: 'thread.run.completed', data },
        ];
      case 'incomplete':
        return [
          ...brokenMessage,
          { event: 'thread.run.step.completed', data: step('completed') },
          { event: 'thread.run.incomplete', data },
        ];
      case 'failed':
        return [
          { event: 'thread.run.step.failed', data: step('failed') },
          ...brokenMessage,
          { event: 'thread.run.failed', data },
        ];
      case 'expired':
        return [
          { event: 'thread.run.step.expired', data: step('expired') },
          ...brokenMessage,
          { event: 'thread.run.expired', data },
        ];
      case 'cancelled':
        return [
          { event: 'thread.run.step.cancelled', data: step('cancelled') },
          ...brokenMessage,
          ...cancelling(),
        ];
      case 'error-event': {
        const { code, message: words } = ending;
        return [{ event: 'error', data: { code, message: words, param: null, type: 'server_error' } }];
      }
    }
  };

  return {
    deltas: plan.pieces.length,
    head: () =>
      text([
        ...before(),
        { event: 'thread.run.queued', data: run.object('queued') },
        { event: 'thread.run.in_progress', data: run.object('in_progress') },
        ...opening(),
      ]),
    delta: calling ? callDeltas(stage) : messageDeltas(stage),
    tail: () => text(closing()) + NAMED_DONE,
    json: () => run.object(),
    settle: () => end(status(), plan.text === '' ? undefined : said),
    cancel: () => {
      end('cancelled');
      return text(cancelling()) + NAMED_DONE;
    },
  };
};
