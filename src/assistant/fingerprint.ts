import { createHash } from 'node:crypto';
import type { AssistantDefinition, AssistantTool } from './definition.ts';

/**
 * A short hash of what of the assistant an upstream thread depends on: a thread that was made under another one
 * is rebuilt from the transcript.
 *
 * In it:
 * - the model: a Responses conversation keeps reasoning items, which another model may refuse (400), and a
 *   thread that fits one model's context may not fit another's;
 * - the tools: a thread keeps their calls and results, which a model that lacks the tool misreads or refuses;
 * - tool_resources: on the Assistants wire they are the thread's own and no run can override them.
 *
 * Not in it is what goes with every run on every wire, so that a thread is never stale in it: instructions,
 * temperature, top_p, response_format, reasoning_effort, metadata. A better sentence in the instructions so works
 * at once for every visitor without rebuilding anyone's thread. Nor name and description, which no run sees, nor
 * the webhooks, which no upstream sees, nor the keys of an MCP server, which are changed in the course of things.
 * Chat Completions keeps no threads.
 *
 * @param model What runs where the file names none.
 */
export const fingerprintOf = (definition: AssistantDefinition, model?: string): string =>
  hashOf({
    model: definition.model ?? model,
    tools: (definition.tools ?? []).map(asThreadsSeeIt),
    tool_resources: definition.tool_resources,
  });

const asThreadsSeeIt = (tool: AssistantTool): object => {
  if (tool.type === 'function') {
    const { webhook: _ours, ...seen } = tool;
    return seen;
  }
  if (tool.type === 'mcp') {
    const { authorization: _key, headers: _keys, ...seen } = tool;
    return seen;
  }
  return tool;
};

/**
 * A short hash of any JSON value, the same whatever the order of its keys. Also for what makes an assistant at a
 * server: one that was made from other fields is made again.
 */
export const hashOf = (value: object): string =>
  createHash('sha256').update(JSON.stringify(value, inOrder)).digest('hex').slice(0, 16);

const inOrder = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
