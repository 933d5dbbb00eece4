/** `/v1/chat/completions`. Stateless: the caller tells the whole conversation each time. */

import { z } from 'zod';
import { completionContextFull } from './api-error.ts';
import { ChatMessage, transcriptOf } from './completion-messages.ts';
import { completionScript } from './completion-script.ts';
import { type Handler, parse, type Route } from './http.ts';
import { planOf } from './plan.ts';
import { tokensOf } from './tokens.ts';
import { CompletionTools, offerOf } from './tools.ts';
import { Turn } from './turn.ts';
import type { World } from './world.ts';

const CreateBody = z.object({
  model: z.string().nullish(),
  messages: z.array(ChatMessage).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.number().int().min(1).nullish(),
  max_completion_tokens: z.number().int().min(1).nullish(),
  tools: CompletionTools.nullish(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().nullish(),
});

export const completionRoutes = (world: World): Route[] => {
  const create: Handler = (call) => {
    const body = parse(CreateBody, call.body);
    const model = world.requireModel(body.model);
    const createdAt = world.now();
    const transcript = transcriptOf(body.messages, createdAt);
    const fault = call.strike?.fault;
    if (fault?.kind === 'context-full' && !fault.inStream) throw completionContextFull();
    const system = transcript.messages.find(({ role }) => role === 'system' || role === 'developer');
    const offer = offerOf(body.tools, body.tool_choice, body.parallel_tool_calls);
    const said = world.say({ transcript, instructions: system?.text, model, offer });
    const plan = planOf(said, fault, body.max_completion_tokens ?? body.max_tokens);
    const script = completionScript({
      id: world.id('chatcmpl'),
      model,
      createdAt,
      plan,
      promptTokens: tokensOf(transcript.chars),
      streamsUsage: body.stream_options?.include_usage ?? false,
    });
    const streamed = body.stream ?? false;
    // Nothing is kept of it, so nothing goes on for nobody.
    new Turn(world, { script, outgoing: call.outgoing, streamed, strike: call.strike, stopsWhenLeft: true });
  };

  return [
    { method: 'POST', path: '/chat/completions', endpoint: 'completions', handle: create, generates: true },
  ];
};
