import type { RunEvent, RunRequest } from '../chat/backend-port.ts';
import type { Usage } from '../chat/model.ts';
import { upstreamFailed } from '../errors.ts';
import type { Adviser } from './advice.ts';
import { retried } from './retry.ts';
import type { ToldHistory } from './told-history.ts';

/** A function that the model calls. */
export interface ToolCall {
  readonly callId: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

/** What a called function gave back. */
export interface ToolOutput {
  readonly callId: string;
  readonly output: string;
}

/** Calls a function of the assistant; its failures are its result. @throws The signal's reason. */
export type CallTool = (call: ToolCall, request: RunRequest) => Promise<string>;

/** What one call of the upstream reports. `calls`: the model waits for these; then `end` follows, too. */
export type RoundEvent = RunEvent | { readonly type: 'calls'; readonly calls: readonly ToolCall[] };

/** How often a run may come back for tools before it is given up. */
const MAX_ROUNDS = 8;
/** How many functions are called in a round; the model learns that the others were not. */
const MAX_CALLS = 16;
/** How many of them at a time. */
const AT_ONCE = 8;
/** Longest arguments of a call, in UTF-8 bytes. */
const MAX_ARGUMENTS_BYTES = 64 * 1024;

const TOO_MANY = JSON.stringify({
  error: `Not called: at most ${MAX_CALLS} functions are called at a time.`,
});
const TOO_LONG = JSON.stringify({ error: 'Not called: the arguments are longer than 64 KiB.' });

/** What goes with the rounds of a run. */
interface RoundsDeps {
  readonly callTool: CallTool;
  /** Told how the run ends. */
  readonly history: ToldHistory;
  readonly adviser: Adviser;
}

/**
 * Runs upstream calls until the model calls no more functions: each round is told what those of the round before
 * gave back. A round is retried by itself, so that no function is called twice for it.
 * @throws AppError
 */
export async function* runRounds(
  round: (outputs: readonly ToolOutput[]) => AsyncIterable<RoundEvent>,
  request: RunRequest,
  deps: RoundsDeps,
): AsyncIterable<RunEvent> {
  try {
    yield* rounds(round, request, deps);
  } catch (thrown) {
    deps.history.failed(thrown);
    if (!request.signal.aborted) deps.adviser.onFailure(thrown);
    throw thrown;
  }
}

async function* rounds(
  round: (outputs: readonly ToolOutput[]) => AsyncIterable<RoundEvent>,
  request: RunRequest,
  { callTool, history, adviser }: RoundsDeps,
): AsyncIterable<RunEvent> {
  let outputs: readonly ToolOutput[] = [];
  let usage: Usage | undefined;
  let spoke = false;
  for (let count = 0; count <= MAX_ROUNDS; count += 1) {
    let calls: readonly ToolCall[] = [];
    let end: Extract<RoundEvent, { type: 'end' }> = { type: 'end', truncated: false };
    let spokeNow = false;
    for await (const event of retried(() => round(outputs), request)) {
      if (event.type === 'calls') calls = event.calls;
      else if (event.type === 'end') {
        end = event;
        usage = sum(usage, event.usage);
      } else if (event.type === 'delta') {
        // What is said after a tool's result is a paragraph of its own.
        yield spoke && !spokeNow ? { type: 'delta', text: `\n\n${event.text}` } : event;
        spokeNow = true;
      } else yield event;
    }
    spoke ||= spokeNow;
    if (calls.length === 0) {
      // Before the end is reported: nobody asks for more after it.
      history.taken();
      if (end.truncated && !spoke) adviser.onSilentCut();
      yield usage ? { ...end, usage } : end;
      return;
    }
    if (count === MAX_ROUNDS) break;
    yield { type: 'called', names: calls.slice(0, MAX_CALLS).map(({ name }) => name) };
    outputs = await callAll(calls, (call) => callTool(call, request));
    request.signal.throwIfAborted();
  }
  throw upstreamFailed({ cause: new Error(`the model called functions more than ${MAX_ROUNDS} times`) });
}

/** The results in the order of the calls; what is not called has the reason for its result. */
const callAll = async (
  calls: readonly ToolCall[],
  callTool: (call: ToolCall) => Promise<string>,
): Promise<ToolOutput[]> => {
  const outputs = calls.map(({ callId }) => ({ callId, output: TOO_MANY }));
  const waiting = calls.slice(0, MAX_CALLS).entries();
  const work = async (): Promise<void> => {
    for (const [index, call] of waiting) {
      const isTooLong = Buffer.byteLength(call.arguments) > MAX_ARGUMENTS_BYTES;
      outputs[index] = { callId: call.callId, output: isTooLong ? TOO_LONG : await callTool(call) };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outputs;
};

const sum = (one: Usage | undefined, other: Usage | undefined): Usage | undefined =>
  one && other ? { input: one.input + other.input, output: one.output + other.output } : (other ?? one);
