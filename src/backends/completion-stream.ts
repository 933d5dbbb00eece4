import type { Usage } from '../chat/model.ts';
import { citationsIn } from './annotations.ts';
import { type CalledFunction, createCalledFunctions } from './called-functions.ts';
import { DONE } from './event-stream.ts';
import { contentText, fields, list, text, usageOf } from './lenient.ts';
import type { RoundEvent } from './tool-rounds.ts';
import type { AnswerStream } from './upstream.ts';
import { failureIn, RunFailed } from './upstream-fault.ts';

/** What the model said in a round: what the next round must tell it back. */
export interface SaidInRound {
  readonly text: string;
  readonly calls: readonly CalledFunction[];
  /** Fields of the message that are no part of the wire's own, such as `reasoning_content`. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** The wire's own fields of a message; all others are sent back as they came. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'role',
  'content',
  'refusal',
  'tool_calls',
  'function_call',
  'annotations',
  'audio',
  'name',
]);

const TRUNCATED = /^(length|max_(output_)?tokens|model_length|content_filter)$/i;

/**
 * Reads a chat completion: its chunks, or the whole of it where the server does not stream.
 * @param heard Called once, before the round's `end`.
 * @throws RunFailed, and what the stream throws.
 */
export async function* readCompletion(
  stream: AnswerStream,
  heard: (said: SaidInRound) => void,
): AsyncIterable<RoundEvent> {
  const calls = createCalledFunctions();
  const extra: Record<string, unknown> = {};
  let said = '';
  let finish: string | undefined;
  let isDone = false;
  let usage: Usage | undefined;
  let model: string | undefined;

  /** What a choice says that was not said before. */
  const saidBy = (choice: Readonly<Record<string, unknown>>): string => {
    const delta = fields(choice.delta);
    collect(extra, delta);
    calls.add(delta.tool_calls);
    const piece = contentText(delta.content) || (text(delta.refusal) ?? '');
    if (piece !== '' || choice.message === undefined) return piece;
    // A whole message instead of deltas; where it comes again and again, it is longer each time.
    const message = fields(choice.message);
    const whole = contentText(message.content) || (text(message.refusal) ?? '');
    if (Object.keys(delta).length === 0) {
      collect(extra, message);
      calls.add(message.tool_calls);
    }
    if (whole.startsWith(said)) return whole.slice(said.length);
    return said === '' ? whole : '';
  };

  for await (const batch of stream) {
    let piece = '';
    const cited: RoundEvent[] = [];
    for (const { event, data } of batch) {
      if (event === DONE) {
        isDone = true;
        continue;
      }
      const chunk = fields(data);
      const isFailure = chunk.object === 'error' || (event === 'error' && chunk.choices === undefined);
      const failure = failureIn(chunk.error) ?? (isFailure ? failureIn(chunk) : undefined);
      if (failure) throw failure;
      const choice = fields(list(chunk.choices)[0]);
      const more = saidBy(choice);
      said += more;
      piece += more;
      cited.push(...citationsIn(fields(choice.delta ?? choice.message).annotations));
      finish = text(choice.finish_reason) ?? finish;
      usage = usageOf(chunk.usage) ?? usage;
      model ??= text(chunk.model);
    }
    if (piece !== '') yield { type: 'delta', text: piece };
    yield* cited;
    // Usage comes after the finish reason, so the stream is read to its end.
    if (finish !== undefined) stream.nearlyOver();
  }
  const called = calls.all();
  const isWhole = finish !== undefined || (isDone && (said !== '' || called.length > 0));
  if (!isWhole) throw new RunFailed('the stream ended without a finish reason');
  if (finish === 'error') throw new RunFailed('the stream ended in an error');
  heard({ text: said, calls: called, extra });
  if (called.length > 0) yield { type: 'calls', calls: called };
  yield {
    type: 'end',
    truncated: TRUNCATED.test(finish ?? ''),
    ...(usage ? { usage } : {}),
    ...(model === undefined ? {} : { model }),
  };
}

/** Texts and lists come in pieces; anything else comes whole. */
const collect = (extra: Record<string, unknown>, message: Readonly<Record<string, unknown>>): void => {
  for (const [key, value] of Object.entries(message)) {
    if (OWN_FIELDS.has(key) || value === null || value === undefined) continue;
    const known = extra[key];
    if (typeof value === 'string' && typeof known === 'string') extra[key] = known + value;
    else if (Array.isArray(value) && Array.isArray(known)) extra[key] = [...known, ...value];
    else extra[key] = value;
  }
};
