/** The names under which calls are counted and faults are set. A plain resource name is its making. */

export const ENDPOINTS = [
  'conversations',
  'conversations.retrieve',
  'conversations.update',
  'conversations.delete',
  'items',
  'items.list',
  'items.retrieve',
  'items.delete',
  'responses',
  'responses.retrieve',
  'responses.cancel',
  'responses.delete',
  'threads',
  'threads.retrieve',
  'threads.delete',
  'messages',
  'messages.list',
  'messages.retrieve',
  /** `POST /threads/{id}/runs` and `POST /threads/runs`. */
  'runs',
  'runs.list',
  'runs.retrieve',
  'runs.cancel',
  /** `POST /threads/{id}/runs/{id}/submit_tool_outputs`. */
  'runs.submit',
  'assistants',
  'assistants.retrieve',
  'completions',
  'embeddings',
  'models',
  'models.retrieve',
  /** Anything else. */
  'unknown',
] as const;

export type Endpoint = (typeof ENDPOINTS)[number];
