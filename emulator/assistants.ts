/** `/v1/assistants`. */

import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { type Handler, parse, type Route, sendJson } from './http.ts';
import type { StoredAssistant } from './memory.ts';
import { Metadata, ResponseFormat, Temperature, ToolResources, TopP } from './shapes.ts';
import { AssistantTools } from './tools.ts';
import type { World } from './world.ts';

const CreateBody = z.object({
  model: z.string(),
  name: z.string().max(256).nullish(),
  description: z.string().max(512).nullish(),
  instructions: z.string().max(256_000).nullish(),
  tools: AssistantTools.nullish(),
  tool_resources: ToolResources.nullish(),
  temperature: Temperature.nullish(),
  top_p: TopP.nullish(),
  reasoning_effort: z.string().nullish(),
  response_format: ResponseFormat.nullish(),
  metadata: Metadata.nullish(),
});

const assistantObject = (
  id: string,
  createdAt: number,
  given: z.infer<typeof CreateBody>,
): StoredAssistant => ({
  id,
  object: 'assistant',
  created_at: createdAt,
  name: given.name ?? null,
  description: given.description ?? null,
  model: given.model,
  instructions: given.instructions ?? null,
  tools: given.tools ?? [],
  tool_resources: given.tool_resources ?? {},
  temperature: given.temperature ?? 1,
  top_p: given.top_p ?? 1,
  reasoning_effort: given.reasoning_effort ?? null,
  response_format: given.response_format ?? 'auto',
  metadata: given.metadata ?? {},
});

/** The assistant that stands for any id that was not made here. */
const preset = (id: string): StoredAssistant =>
  assistantObject(id, 0, {
    name: 'Offline assistant',
    model: 'gpt-6-luna',
    instructions: 'Be friendly.',
  });

/** @throws ApiError 404 where there is no such assistant. */
export const requireAssistant = (world: World, id: string): StoredAssistant => {
  const made = world.memory.assistants.get(id);
  if (made !== undefined) return made;
  const known = world.assistants === undefined ? id.startsWith('asst_') : world.assistants.includes(id);
  if (!known) throw new ApiError(404, `No assistant found with id '${id}'.`);
  return preset(id);
};

export const assistantRoutes = (world: World): Route[] => {
  const create: Handler = ({ outgoing, body }) => {
    const given = parse(CreateBody, body);
    world.requireModel(given.model);
    const assistant = assistantObject(world.id('asst'), world.now(), given);
    world.memory.assistants.put(assistant.id, assistant);
    sendJson(outgoing, assistant);
  };

  const retrieve: Handler = ({ outgoing, ids: [id] }) =>
    sendJson(outgoing, requireAssistant(world, id ?? ''));

  return [
    { method: 'POST', path: '/assistants', endpoint: 'assistants', handle: create },
    { method: 'GET', path: '/assistants/:', endpoint: 'assistants.retrieve', handle: retrieve },
  ];
};
