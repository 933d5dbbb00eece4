import { citationsIn } from './annotations.ts';
import { newCallId } from './called-functions.ts';
import { DONE } from './event-stream.ts';
import { contentText, fields, json, list, text, usageOf } from './lenient.ts';
import type { RoundEvent, ToolCall } from './tool-rounds.ts';
import type { AnswerStream } from './upstream.ts';
import { failureIn, RunFailed } from './upstream-fault.ts';

/** Most of a stream's events by number of bytes, and none that says anything new. */
export const IGNORED_EVENTS: ReadonlySet<string> = new Set([
  'response.created',
  'response.in_progress',
  'response.content_part.added',
  'response.content_part.done',
  'response.output_text.done',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
]);

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the stream of a response, or the whole of it where the server does not stream.
 * @throws RunFailed, and what the stream throws.
 */
export async function* readResponse(stream: AnswerStream): AsyncIterable<RoundEvent> {
  /** Output items that are not the answer: what the model says to itself on the way. */
  const commentary = new Set<unknown>();
  /** Items that were done: the final response of some servers does not repeat them. */
  const items: Fields[] = [];
  let speaking: unknown;
  let spoke = false;
  for await (const batch of stream) {
    let piece = '';
    for (const { event, data } of batch) {
      const given = fields(data);
      const type = kindOf(event, given);
      const item = fields(given.item);
      // Some servers leave out the index.
      const place = given.output_index ?? given.item_id ?? item.id;
      if (type === 'response.output_text.delta' || type === 'response.refusal.delta') {
        const delta = contentText(given.delta) || (text(fields(given.delta).text) ?? '');
        if (commentary.has(place) || delta === '') continue;
        // A second message of the same answer is a paragraph of its own.
        if (spoke && speaking !== place) piece += '\n\n';
        speaking = place;
        spoke = true;
        piece += delta;
      } else if (type === 'response.output_text.annotation.added') {
        if (commentary.has(place)) continue;
        if (piece !== '') yield { type: 'delta', text: piece };
        piece = '';
        yield* citationsIn([given.annotation]);
      } else if (type === 'response.output_item.added') {
        if (item.phase === 'commentary') commentary.add(place);
      } else if (type === 'response.output_item.done') {
        items.push(item);
      } else if (
        type === 'response.completed' ||
        type === 'response.incomplete' ||
        type === 'response.done'
      ) {
        const response = given.response === undefined ? given : fields(given.response);
        const status = text(response.status);
        if (status === 'failed' || status === 'cancelled') throw failed(response, type);
        const output = list(response.output).length > 0 ? list(response.output).map(fields) : items;
        if (!spoke) piece = answerOf(output);
        if (piece !== '') yield { type: 'delta', text: piece };
        const calls = callsOf(output.some(isCall) ? output : items);
        if (calls.length > 0) yield { type: 'calls', calls };
        const usage = usageOf(response.usage);
        const model = text(response.model);
        yield {
          type: 'end',
          truncated: type === 'response.incomplete' || status === 'incomplete',
          ...(usage ? { usage } : {}),
          ...(model === undefined ? {} : { model }),
        };
        return;
      } else if (type === 'response.failed' || type === 'response.cancelled') {
        throw failed(fields(given.response), type);
      } else if (event === DONE && (spoke || items.some(isCall))) {
        // Some servers leave out the final event.
        if (piece !== '') yield { type: 'delta', text: piece };
        const calls = callsOf(items);
        if (calls.length > 0) yield { type: 'calls', calls };
        yield { type: 'end', truncated: false };
        return;
      } else if (type === 'error') {
        // Documented flat, seen nested.
        throw failureIn(given.error) ?? failureIn(given) ?? new RunFailed(type);
      }
    }
    if (piece !== '') yield { type: 'delta', text: piece };
  }
  throw new RunFailed('the stream ended without its final event');
}

/** Some servers name an event only inside; one that does not stream sends the response alone. */
const kindOf = (event: string | undefined, data: Fields): string => {
  const named = event ?? text(data.type);
  if (named !== undefined) return named;
  if (data.object === 'response') return 'response.completed';
  return failureIn(data.error) ? 'error' : '';
};

const failed = (response: Fields, type: string): RunFailed =>
  failureIn(response.error) ?? new RunFailed(type);

/** The answer of a response whose text was not streamed. */
const answerOf = (output: readonly Fields[]): string =>
  output
    .filter((item) => item.type === 'message' && item.phase !== 'commentary')
    .map((item) => contentText(item.content))
    .filter((said) => said !== '')
    .join('\n\n');

const isCall = (item: Fields): boolean => item.type === 'function_call';

const callsOf = (output: readonly Fields[]): ToolCall[] =>
  output.filter(isCall).map((item) => ({
    callId: text(item.call_id) ?? text(item.id) ?? newCallId(),
    name: text(item.name) ?? '',
    arguments: json(item.arguments) ?? '',
  }));
