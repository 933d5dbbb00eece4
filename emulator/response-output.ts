/** What a response puts out, and the events that tell of it: a message, with a commentary before it or not, or calls. */

import type { OpenAI } from 'openai';
import { callItem, type OutputEntry } from './items.ts';
import { callPieces, type Plan } from './plan.ts';
import { typedEvent } from './sse.ts';

type OutputMessage = OpenAI.Responses.ResponseOutputMessage;
type Part = OutputMessage['content'][number];
type TextDelta = OpenAI.Responses.ResponseTextDeltaEvent;
type RefusalDelta = OpenAI.Responses.ResponseRefusalDeltaEvent;
type ArgumentsDelta = OpenAI.Responses.ResponseFunctionCallArgumentsDeltaEvent;

/** The SDK's event without its number, and with the response as the wire has it (the SDK adds `output_text`). */
type Unnumbered<E> = E extends { response: infer R }
  ? Omit<E, 'response' | 'sequence_number'> & { response: Omit<R, 'output_text'> }
  : Omit<E, 'sequence_number'>;
export type WireEvent = Unnumbered<OpenAI.Responses.ResponseStreamEvent>;

type WithoutWords<E> = Omit<E, 'sequence_number' | 'delta'>;
type DeltaFrame = WithoutWords<TextDelta> | WithoutWords<RefusalDelta> | WithoutWords<ArgumentsDelta>;

export interface Output {
  /** As it stands in the response once it is over. */
  readonly items: OutputEntry[];
  /** The events before the first delta. */
  readonly opening: readonly WireEvent[];
  /** The events after the last delta. */
  readonly closing: readonly WireEvent[];
  /** How many events come with the deltas that are none. */
  readonly between: number;
  /** A delta's events. @param first The number of the first delta of all. */
  delta(piece: number, first: number): string;
}

export const numbered = (events: readonly WireEvent[], from: number): string =>
  events.map((event, index) => typedEvent({ ...event, sequence_number: from + index })).join('');

const partOf = (text: string, refusal: boolean): Part =>
  refusal ? { type: 'refusal', refusal: text } : { type: 'output_text', text, annotations: [], logprobs: [] };

/** An output message from its beginning to its end, without its deltas. */
const messageEvents = (message: OutputMessage, part: Part, index: number) => {
  const place = { item_id: message.id, output_index: index, content_index: 0 };
  const empty = partOf('', part.type === 'refusal');
  const opening: WireEvent[] = [
    {
      type: 'response.output_item.added',
      output_index: index,
      item: { ...message, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...place, part: empty },
  ];
  const spoken: WireEvent =
    part.type === 'refusal'
      ? { type: 'response.refusal.done', ...place, refusal: part.refusal }
      : { type: 'response.output_text.done', ...place, text: part.text, logprobs: [] };
  const closing: WireEvent[] = [
    spoken,
    { type: 'response.content_part.done', ...place, part },
    { type: 'response.output_item.done', output_index: index, item: message },
  ];
  return { opening, closing };
};

/** The beginning of a delta event as text, up to where its number and words follow. */
const deltaOpening = (frame: DeltaFrame): string =>
  `event: ${frame.type}\ndata: ${JSON.stringify(frame).slice(0, -1)},"sequence_number":`;

const deltaText = (opening: string, number: number, words: string | undefined): string =>
  `${opening}${number},"delta":${JSON.stringify(words)}}\n\n`;

/** A message of phase `commentary`, whole, as the first of the output. */
const commentaryOutput = (text: string, id: string) => {
  const part = partOf(text, false);
  const item: OutputMessage = {
    id,
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [part],
    phase: 'commentary',
  };
  const place = { item_id: id, output_index: 0, content_index: 0 };
  const { opening, closing } = messageEvents(item, part, 0);
  const delta: WireEvent = { type: 'response.output_text.delta', ...place, delta: text, logprobs: [] };
  return { item, events: [...opening, delta, ...closing] };
};

const answerOutput = (plan: Plan, id: string, index: number): Output => {
  const part = partOf(plan.text, plan.refusal);
  const answer: OutputMessage = {
    id,
    type: 'message',
    role: 'assistant',
    status: plan.ending.kind === 'incomplete' ? 'incomplete' : 'completed',
    content: [part],
    ...(plan.commentary !== undefined && { phase: 'final_answer' }),
  };
  const place = { item_id: id, output_index: index, content_index: 0 };
  const frame = deltaOpening(
    plan.refusal
      ? { type: 'response.refusal.delta', ...place }
      : { type: 'response.output_text.delta', ...place, logprobs: [] },
  );
  return {
    items: [answer],
    ...messageEvents(answer, part, index),
    between: 0,
    delta: (piece, first) => deltaText(frame, first + piece, plan.pieces[piece]),
  };
};

const callsOutput = ({ calls, ending }: Plan, from: number): Output => {
  const pieces = callPieces(calls);
  const last = calls.length - 1;
  const items = calls.map((call, index) =>
    callItem(call, index === last && ending.kind === 'incomplete' ? 'incomplete' : 'completed'),
  );
  const opening = (index: number): WireEvent[] =>
    items.slice(index, index + 1).map((item) => ({
      type: 'response.output_item.added',
      output_index: from + index,
      item: { ...item, status: 'in_progress', arguments: '' },
    }));
  const closing = (index: number): WireEvent[] =>
    items.slice(index, index + 1).flatMap((item) => [
      {
        type: 'response.function_call_arguments.done',
        item_id: item.id,
        output_index: from + index,
        arguments: item.arguments,
      },
      { type: 'response.output_item.done', output_index: from + index, item },
    ]);
  /** Between two calls: the end of one, the beginning of the next. */
  const turn = (index: number): WireEvent[] => [...closing(index - 1), ...opening(index)];
  const perTurn = last > 0 ? turn(1).length : 0;

  return {
    items,
    opening: opening(0),
    closing: closing(last),
    between: perTurn * last,
    delta: (piece, first) => {
      const here = pieces[piece];
      if (here === undefined) return '';
      const { call, index, opens, text } = here;
      const number = first + piece + perTurn * index;
      const turns = opens && index > 0 ? numbered(turn(index), number - perTurn) : '';
      const frame: DeltaFrame = {
        type: 'response.function_call_arguments.delta',
        item_id: call.id,
        output_index: from + index,
      };
      return turns + deltaText(deltaOpening(frame), number, text);
    },
  };
};

/** @param ids The ids of the output messages: of the answer, and of the commentary before it. */
export const outputOf = (
  plan: Plan,
  ids: { readonly answer: string; readonly commentary: string },
): Output => {
  const from = plan.commentary === undefined ? 0 : 1;
  const output = plan.calls.length > 0 ? callsOutput(plan, from) : answerOutput(plan, ids.answer, from);
  if (plan.commentary === undefined) return output;
  const { item, events } = commentaryOutput(plan.commentary, ids.commentary);
  return { ...output, items: [item, ...output.items], opening: [...events, ...output.opening] };
};
