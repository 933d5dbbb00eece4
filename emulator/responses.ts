/** `/v1/responses`. */

import { z } from 'zod';
import { ApiError, CONTEXT_FULL, conversationLocked, noToolCall, noToolOutput } from './api-error.ts';
import { requireConversation } from './conversations.ts';
import { type Call, type Handler, parse, type Route, sendJson } from './http.ts';
import { entriesOf, entryOf } from './items.ts';
import { planOf } from './plan.ts';
import { StoredResponse, type WireResponse } from './response-object.ts';
import { responseScript } from './response-script.ts';
import { Content, Item, Metadata, textOf } from './shapes.ts';
import { offerOf, ResponseTools, unansweredIn } from './tools.ts';
import { type Entry, Transcript } from './transcript.ts';
import { Turn } from './turn.ts';
import type { World } from './world.ts';

const CreateBody = z.object({
  model: z.string().nullish(),
  input: z.union([z.string(), z.array(Item)]).nullish(),
  instructions: z.union([z.string(), z.array(z.object({ content: Content.optional() }))]).nullish(),
  conversation: z.union([z.string(), z.object({ id: z.string() })]).nullish(),
  previous_response_id: z.string().nullish(),
  max_output_tokens: z.number().int().min(1).nullish(),
  stream: z.boolean().nullish(),
  store: z.boolean().nullish(),
  background: z.boolean().nullish(),
  metadata: Metadata.nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  safety_identifier: z.string().max(64).nullish(),
  tools: ResponseTools.nullish(),
  tool_choice: z.custom<WireResponse['tool_choice']>().nullish(),
  parallel_tool_calls: z.boolean().nullish(),
});

type CreateInput = z.infer<typeof CreateBody>;

const MUTUALLY_EXCLUSIVE =
  "Mutually exclusive parameters: ensure you are only providing one of: 'previous_response_id' or 'conversation'.";

const instructionsOf = ({ instructions }: CreateInput): string | null => {
  if (instructions === undefined || instructions === null || typeof instructions === 'string') {
    return instructions ?? null;
  }
  return instructions.map(({ content }) => textOf(content)).join('\n');
};

/** @throws ApiError 400 where a told output belongs to no call, or a call has no output. */
const requirePairs = (asked: Transcript, told: readonly Entry[]): void => {
  if (!asked.usesTools) return;
  const called = new Set(asked.entries.flatMap((entry) => (entry.kind === 'call' ? entry.callId : [])));
  for (const entry of told) {
    if (entry.kind === 'output' && !called.has(entry.callId)) throw noToolCall(entry.callId);
  }
  const [open] = unansweredIn(asked);
  if (open !== undefined) throw noToolOutput(open);
};

export const responseRoutes = (world: World): Route[] => {
  const { responses, threads } = world.memory;

  const find = (id: string | undefined): StoredResponse => {
    const stored = responses.get(id ?? '');
    if (stored === undefined) throw new ApiError(404, `Response with id '${id}' not found.`);
    return stored;
  };

  const previousTranscript = (id: string): Transcript => {
    const stored = responses.get(id);
    const conversation = world.memory.thread('conversation', stored?.echo.conversation ?? '');
    const transcript = conversation?.transcript ?? stored?.transcript;
    if (transcript !== undefined) return transcript.copy();
    throw new ApiError(
      400,
      `Previous response with id '${id}' not found.`,
      'previous_response_not_found',
      'previous_response_id',
    );
  };

  const inputEntries = ({ input }: CreateInput): Entry[] => {
    const items = typeof input === 'string' ? [{ role: 'user' as const, content: input }] : (input ?? []);
    return items.map((item) => entryOf(world, item));
  };

  const conversationOf = ({ conversation, previous_response_id: previous }: CreateInput, call: Call) => {
    const locked = call.strike?.fault.kind === 'locked';
    if (conversation === undefined || conversation === null) {
      if (locked) throw conversationLocked();
      return undefined;
    }
    if (previous) throw new ApiError(400, MUTUALLY_EXCLUSIVE, 'mutually_exclusive_parameters');
    const thread = requireConversation(
      world,
      typeof conversation === 'string' ? conversation : conversation.id,
    );
    if (locked || thread.active !== undefined) throw conversationLocked();
    return thread;
  };

  const create: Handler = (call) => {
    const body = parse(CreateBody, call.body);
    const model = world.requireModel(body.model);
    const thread = conversationOf(body, call);
    const previous = body.previous_response_id ?? null;
    const known = thread?.transcript ?? (previous === null ? new Transcript() : previousTranscript(previous));
    // The conversation itself learns of the exchange only when it is over, as at OpenAI.
    const asked = thread === undefined ? known : known.copy();
    const told = inputEntries(body);
    for (const entry of told) asked.add(entry);
    requirePairs(asked, told);
    const fault = call.strike?.fault;
    if (fault?.kind === 'context-full' && !fault.inStream) {
      throw new ApiError(400, CONTEXT_FULL.message, CONTEXT_FULL.code, 'input');
    }

    const instructions = instructionsOf(body);
    const offer = offerOf(body.tools, body.tool_choice, body.parallel_tool_calls);
    const said = world.say({ transcript: asked, instructions, model, offer });
    const echo = {
      id: world.id('resp'),
      createdAt: world.now(),
      model,
      instructions,
      conversation: thread?.id ?? null,
      previous,
      metadata: body.metadata ?? {},
      maxOutputTokens: body.max_output_tokens ?? null,
      safetyIdentifier: body.safety_identifier ?? null,
      truncation: body.truncation ?? 'disabled',
      background: body.background ?? false,
      store: body.store ?? true,
      tools: body.tools ?? [],
      toolChoice: body.tool_choice ?? 'auto',
      parallel: body.parallel_tool_calls ?? true,
    };
    const plan = planOf(said, fault, body.max_output_tokens);
    const stored = new StoredResponse(echo, plan, asked);

    const end = (cancelled: boolean) => {
      stored.end(world.now(), cancelled);
      const output = entriesOf(stored.output, world.now());
      if (thread !== undefined) {
        thread.active = undefined;
        if (output.length > 0) for (const entry of told) known.add(entry);
      }
      for (const entry of output) known.add(entry);
      if (thread !== undefined) threads.reweigh(thread.id);
      responses.reweigh(echo.id);
    };

    if (thread !== undefined) thread.active = { id: echo.id };
    if (echo.store) responses.put(echo.id, stored);
    const ids = { answer: world.id('msg'), commentary: world.id('msg') };
    const streamed = body.stream ?? false;
    const inBackground = echo.background && !streamed;
    if (inBackground) sendJson(call.outgoing, stored.object());
    stored.begin(
      new Turn(world, {
        script: responseScript(stored, ids, end),
        outgoing: inBackground ? undefined : call.outgoing,
        streamed,
        strike: call.strike,
      }),
    );
  };

  const retrieve: Handler = ({ outgoing, ids: [id] }) => sendJson(outgoing, find(id).object());

  const cancel: Handler = ({ outgoing, ids: [id] }) => {
    const stored = find(id);
    if (!stored.echo.background) throw new ApiError(400, 'Cannot cancel a synchronous response.');
    stored.cancel();
    sendJson(outgoing, stored.object());
  };

  const remove: Handler = ({ outgoing, ids: [id] }) => {
    const { echo } = find(id);
    responses.delete(echo.id);
    sendJson(outgoing, { id: echo.id, object: 'response', deleted: true });
  };

  return [
    { method: 'POST', path: '/responses', endpoint: 'responses', handle: create, generates: true },
    { method: 'GET', path: '/responses/:', endpoint: 'responses.retrieve', handle: retrieve },
    { method: 'POST', path: '/responses/:/cancel', endpoint: 'responses.cancel', handle: cancel },
    { method: 'DELETE', path: '/responses/:', endpoint: 'responses.delete', handle: remove },
  ];
};
