/** Runs: `/v1/threads/{id}/runs` and `/v1/threads/runs`. */

import type { OpenAI } from 'openai';
import { ApiError, runActive } from './api-error.ts';
import { requireAssistant } from './assistants.ts';
import type { Fault } from './faults.ts';
import { type Call, type Handler, listOf, pageOf, parse, type Route, sendJson } from './http.ts';
import type { Thread } from './memory.ts';
import { planOf } from './plan.ts';
import { FirstRunBody, OutputsBody, outputsFor, RunBody, type RunInput, settingsOf } from './run-body.ts';
import { type RunEcho, type Stage, StoredRun } from './run-object.ts';
import { runScript } from './run-script.ts';
import { callsStep } from './run-steps.ts';
import { spoil } from './stream-faults.ts';
import { threadObject } from './thread-objects.ts';
import { addMessages, makeThread, requireThread } from './threads.ts';
import { NO_PROGRESS, offerOf, type Progress } from './tools.ts';
import type { ToolCall } from './transcript.ts';
import { Turn } from './turn.ts';
import type { World } from './world.ts';

type StreamEvent = OpenAI.Beta.AssistantStreamEvent;

/** What a run calls that was told to require an action, where it would not call anything. */
const NOBODYS: ToolCall = { name: 'lookup', arguments: '{}' };

/** Whether the reply to a run that is not streamed is spoiled. */
const spoils = (kind: string | undefined): kind is 'cut' | 'end-early' | 'malformed-sse' =>
  kind === 'cut' || kind === 'end-early' || kind === 'malformed-sse';

export const runRoutes = (world: World): Route[] => {
  /** What a run does next. */
  const stageOf = (thread: Thread, echo: RunEcho, progress: Progress, fault: Fault | undefined): Stage => {
    const { transcript } = thread;
    const { instructions, model, settings } = echo;
    const offer = offerOf(settings.tools, settings.tool_choice, settings.parallel_tool_calls);
    const said = world.say({ transcript, instructions, model, offer, progress });
    const calls =
      fault?.kind === 'requires_action' && said.calls.length === 0 ? world.made([NOBODYS]) : said.calls;
    const heard = progress.outputs.reduce((sum, { output }) => sum + output.length, 0);
    return {
      plan: planOf({ ...said, calls }, fault, settings.max_completion_tokens),
      message: world.id('msg'),
      step: world.id('step'),
      promptChars: transcript.chars + instructions.length + heard,
    };
  };

  /** Lets a run do what it does next. */
  const work = (
    call: Call,
    thread: Thread,
    run: StoredRun,
    stage: Stage,
    streamed: boolean,
    before: () => StreamEvent[],
  ): void => {
    const fault = call.strike?.fault;
    const script = runScript({
      run,
      stage,
      before,
      end: (status, said) => {
        run.end(status, world.now());
        if (!run.active) thread.active = undefined;
        if (said !== undefined) thread.transcript.add(said);
        world.memory.threads.reweigh(thread.id);
      },
    });
    // A run that is not streamed is answered at once and goes on in the background.
    const inBackground = !streamed && fault?.kind !== 'hang-before-headers';
    if (inBackground) {
      if (spoils(fault?.kind)) spoil(call.outgoing, fault.kind);
      else sendJson(call.outgoing, run.object('queued'));
    }
    const outgoing = inBackground ? undefined : call.outgoing;
    run.begin(new Turn(world, { script, outgoing, streamed, strike: call.strike }));
  };

  const start = (call: Call, thread: Thread, body: RunInput, made: boolean): void => {
    const assistant = requireAssistant(world, body.assistant_id);
    const model = world.requireModel(body.model ?? assistant.model);
    const instructions = [body.instructions ?? assistant.instructions, body.additional_instructions]
      .filter(Boolean)
      .join('\n');
    addMessages(world, thread, body.additional_messages ?? []);

    const echo: RunEcho = {
      id: world.id('run'),
      thread: thread.id,
      assistant: assistant.id,
      model,
      instructions,
      createdAt: world.now(),
      metadata: body.metadata ?? {},
      settings: settingsOf(body, assistant),
    };
    const stage = stageOf(thread, echo, NO_PROGRESS, call.strike?.fault);
    const run = new StoredRun(echo, stage);
    thread.active = run;
    thread.addRun(run);
    work(call, thread, run, stage, body.stream ?? false, () => [
      ...(made ? [{ event: 'thread.created' as const, data: threadObject(thread) }] : []),
      { event: 'thread.run.created', data: run.object('queued') },
    ]);
  };

  const create: Handler = (call) => {
    const thread = requireThread(world, call.ids[0]);
    const body = parse(RunBody, call.body);
    const locked = call.strike?.fault.kind === 'locked';
    const active = locked ? world.id('run') : thread.active?.id;
    if (active !== undefined) throw runActive(thread.id, active);
    start(call, thread, body, false);
  };

  const createWithThread: Handler = (call) => {
    const body = parse(FirstRunBody, call.body);
    requireAssistant(world, body.assistant_id);
    start(call, makeThread(world, body.thread ?? {}), body, true);
  };

  const find = (thread: Thread, id: string | undefined): StoredRun => {
    const run = thread.runs.find((candidate) => candidate.id === id);
    if (run === undefined) throw new ApiError(404, `No run found with id '${id}'.`);
    return run;
  };

  const submit: Handler = (call) => {
    const thread = requireThread(world, call.ids[0]);
    const run = find(thread, call.ids[1]);
    const body = parse(OutputsBody, call.body);
    const outputs = outputsFor(run, body);
    const progress = { round: run.stages.length, outputs: [...run.outputs, ...outputs] };
    const stage = stageOf(thread, run.echo, progress, call.strike?.fault);
    const waited = run.stages.at(-1);
    run.goOn(stage, outputs);
    thread.recountRuns();
    work(call, thread, run, stage, body.stream ?? false, () =>
      waited === undefined
        ? []
        : [{ event: 'thread.run.step.completed', data: callsStep(run, waited, 'completed', outputs) }],
    );
  };

  const list: Handler = ({ outgoing, ids: [id], query }) => {
    const { page, hasMore } = pageOf(requireThread(world, id).runs, query);
    sendJson(
      outgoing,
      listOf(
        page.map((run) => run.object()),
        hasMore,
      ),
    );
  };

  const retrieve: Handler = ({ outgoing, ids: [id, run] }) =>
    sendJson(outgoing, find(requireThread(world, id), run).object());

  const cancel: Handler = ({ outgoing, ids: [id, wanted] }) => {
    const thread = requireThread(world, id);
    const run = find(thread, wanted);
    if (!run.active) throw new ApiError(400, `Cannot cancel run with status '${run.status}'.`);
    if (!run.cancelTurn()) {
      // It waits for an action: nothing generates it.
      run.end('cancelled', world.now());
      thread.active = undefined;
    }
    sendJson(outgoing, run.object('cancelling'));
  };

  const runPath = '/threads/:/runs/:';
  return [
    { method: 'POST', path: '/threads/runs', endpoint: 'runs', handle: createWithThread, generates: true },
    { method: 'POST', path: '/threads/:/runs', endpoint: 'runs', handle: create, generates: true },
    { method: 'GET', path: '/threads/:/runs', endpoint: 'runs.list', handle: list },
    { method: 'GET', path: runPath, endpoint: 'runs.retrieve', handle: retrieve },
    { method: 'POST', path: `${runPath}/cancel`, endpoint: 'runs.cancel', handle: cancel },
    {
      method: 'POST',
      path: `${runPath}/submit_tool_outputs`,
      endpoint: 'runs.submit',
      handle: submit,
      generates: true,
    },
  ];
};
