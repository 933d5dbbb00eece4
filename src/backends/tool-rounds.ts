import type { RunEvent, RunRequest } from '../chat/backend-port.ts';
import type { Usage } from '../chat/model.ts';
import { upstreamFailed } from '../errors.ts';
import { retried } from './retry.ts';

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

/**
 * Runs upstream calls until the model calls no more functions: each round is told what those of the round before
 * gave back. A round is retried by itself, so that no function is called twice for it.
 * @throws AppError
 */
export async function* runRounds(
  round: (outputs: readonly ToolOutput[]) => AsyncIterable<RoundEvent>,
  request: RunRequest,
  callTool: CallTool,
): AsyncIterable<RunEvent> {
  let outputs: readonly ToolOutput[] = [];
  let usage: Usage | undefined;
  let spoke = false;
  for (let count = 0; count <= MAX_ROUNDS; count += 1) {
    let calls: readonly ToolCall[] = [];
    let truncated = false;
    let spokeNow = false;
    for await (const event of retried(() => round(outputs), request)) {
      if (event.type === 'calls') calls = event.calls;
      else if (event.type === 'end') {
        truncated = event.truncated;
        usage = sum(usage, event.usage);
      } else if (event.type === 'delta') {
        // What is said after a tool's result is a paragraph of its own.
        yield spoke && !spokeNow ? { type: 'delta', text: `\n\n${event.text}` } : event;
        spokeNow = true;
      } else yield event;
    }
    spoke ||= spokeNow;
    if (calls.length === 0) {
      yield usage ? { type: 'end', truncated, usage } : { type: 'end', truncated };
      return;
    }
    if (count === MAX_ROUNDS) break;
    yield { type: 'called' };
    outputs = await Promise.all(
      calls.map(async (call) => ({ callId: call.callId, output: await callTool(call, request) })),
    );
    request.signal.throwIfAborted();
  }
  throw upstreamFailed({ cause: new Error(`the model called functions more than ${MAX_ROUNDS} times`) });
}

const sum = (one: Usage | undefined, other: Usage | undefined): Usage | undefined =>
  one && other ? { input: one.input + other.input, output: one.output + other.output } : (other ?? one);
