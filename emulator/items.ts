/** Items of conversations and responses: messages, function calls and their outputs. */

import type { OpenAI } from 'openai';
import { type ItemInput, textOf } from './shapes.ts';
import type { Entry, Message } from './transcript.ts';

type MessageItem = OpenAI.Conversations.Message;
type CallItem = OpenAI.Responses.ResponseFunctionToolCallItem;
type OutputItem = OpenAI.Responses.ResponseFunctionToolCallOutputItem;

/** What a response puts out. */
export type OutputEntry = OpenAI.Responses.ResponseOutputMessage | CallItem;

export type ItemObject = MessageItem | CallItem | OutputItem;

const messageItem = ({ id, role, text, refusal, phase, incomplete }: Message): MessageItem => {
  const said: MessageItem['content'][number] = refusal
    ? { type: 'refusal', refusal: text }
    : { type: 'output_text', text, annotations: [], logprobs: [] };
  return {
    id,
    type: 'message',
    status: incomplete ? 'incomplete' : 'completed',
    role,
    content: [role === 'assistant' ? said : { type: 'input_text', text }],
    ...(phase && { phase }),
  };
};

/** @param call With the id of its item. */
export const callItem = (
  call: { readonly id: string; readonly callId: string; readonly name: string; readonly arguments: string },
  status: CallItem['status'] = 'completed',
): CallItem => ({
  id: call.id,
  type: 'function_call',
  status,
  arguments: call.arguments,
  call_id: call.callId,
  name: call.name,
});

/** An entry as it stands in a conversation. */
export const itemObject = (entry: Entry): ItemObject => {
  switch (entry.kind) {
    case 'call':
      return callItem(entry);
    case 'output':
      return {
        id: entry.id,
        type: 'function_call_output',
        status: 'completed',
        call_id: entry.callId,
        output: entry.text,
      };
    default:
      return messageItem(entry);
  }
};

/** What gives items their ids and times. */
interface ItemMaker {
  id(prefix: string): string;
  now(): number;
}

/** An item that was given, as it is remembered. */
export const entryOf = (maker: ItemMaker, item: ItemInput): Entry => {
  switch (item.type) {
    case 'function_call': {
      const { call_id: callId, name, arguments: given } = item;
      return { kind: 'call', id: maker.id('fc'), callId, name, arguments: given };
    }
    case 'function_call_output':
      return { kind: 'output', id: maker.id('fco'), callId: item.call_id, text: textOf(item.output) };
    default:
      return {
        id: maker.id('msg'),
        role: item.role,
        text: textOf(item.content),
        createdAt: maker.now(),
        ...(item.phase && { phase: item.phase }),
      };
  }
};

/** What a response put out, as its conversation remembers it. A call that broke off is not remembered. */
export const entriesOf = (output: readonly OutputEntry[], createdAt: number): Entry[] =>
  output.flatMap((item): Entry[] => {
    if (item.type === 'function_call') {
      if (item.status !== 'completed') return [];
      return [
        { kind: 'call', id: item.id, callId: item.call_id, name: item.name, arguments: item.arguments },
      ];
    }
    const { id, content, phase, status } = item;
    const [part] = content;
    return [
      {
        id,
        role: 'assistant',
        text: part?.type === 'refusal' ? part.refusal : (part?.text ?? ''),
        createdAt,
        ...(part?.type === 'refusal' && { refusal: true }),
        ...(phase && { phase }),
        ...(status === 'incomplete' && { incomplete: 'max_tokens' }),
      },
    ];
  });
