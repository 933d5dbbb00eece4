import type { OpenAI } from 'openai';
import { type Carried, type CarryOptions, compact, formatOf, orAbsent } from './carried.ts';
import { DEFAULT_INSTRUCTIONS } from './default.ts';
import type { AssistantDefinition, AssistantTool, FileSearchTool, FunctionTool } from './definition.ts';

type Params = OpenAI.Responses.ResponseCreateParams;

/** The assistant's part of `POST /v1/responses`. */
export type ResponsesFields = Pick<
  Params,
  'model' | 'temperature' | 'top_p' | 'reasoning' | 'metadata' | 'text' | 'tools'
> & {
  /** Sent each time: a conversation does not keep them. */
  readonly instructions: string;
};

/**
 * The definition on the Responses wire. (`name` and `description` are labels for its owner and have no place in
 * a request; the model is never told them on any wire.)
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
export const toResponses = (
  definition: AssistantDefinition,
  { model }: CarryOptions,
): Carried<ResponsesFields> => {
  const dropped: string[] = [];
  const tools = (definition.tools ?? [])
    .map((tool, index) => toolOf(tool, index, definition, dropped))
    .filter((tool) => tool !== undefined);
  const effort = definition.reasoning_effort;
  const format = textFormat(definition);
  const fields = compact<ResponsesFields>({
    instructions: definition.instructions ?? DEFAULT_INSTRUCTIONS,
    model: definition.model ?? model,
    temperature: definition.temperature,
    top_p: definition.top_p,
    reasoning: effort === undefined ? undefined : { effort },
    metadata: orAbsent(definition.metadata),
    text: format && { format },
    tools: orAbsent(tools),
  });
  return { fields, dropped };
};

/** Here the schema's fields stand beside `type`, not under `json_schema`. */
const textFormat = (
  definition: AssistantDefinition,
): OpenAI.Responses.ResponseFormatTextConfig | undefined => {
  const format = formatOf(definition);
  return format?.type === 'json_schema' ? { type: format.type, ...format.json_schema } : format;
};

const toolOf = (
  tool: AssistantTool,
  index: number,
  { tool_resources: resources }: AssistantDefinition,
  dropped: string[],
): OpenAI.Responses.Tool | undefined => {
  switch (tool.type) {
    case 'file_search':
      return fileSearch(tool, index, resources?.file_search?.vector_store_ids ?? [], dropped);
    case 'code_interpreter': {
      const files = orAbsent(resources?.code_interpreter?.file_ids);
      return { type: tool.type, container: files ? { type: 'auto', file_ids: files } : { type: 'auto' } };
    }
    case 'function':
      return flatFunction(tool);
    default:
      return tool;
  }
};

const flatFunction = ({ function: made }: FunctionTool): OpenAI.Responses.FunctionTool =>
  compact<OpenAI.Responses.FunctionTool>({
    type: 'function',
    name: made.name,
    description: made.description,
    parameters: made.parameters ?? { type: 'object', properties: {} },
    // Absent means false in an assistant, but true on this wire, which then refuses most schemas.
    strict: made.strict ?? false,
  });

type Ranking = OpenAI.Responses.FileSearchTool.RankingOptions;
const isRanker = (name: string): name is NonNullable<Ranking['ranker']> =>
  ['auto', 'default-2024-11-15'].includes(name);

const fileSearch = (
  { file_search: search }: FileSearchTool,
  index: number,
  stores: string[],
  dropped: string[],
): OpenAI.Responses.FileSearchTool | undefined => {
  if (stores.length === 0) {
    dropped.push(
      `tools[${index}] (file_search) is not offered: tool_resources.file_search names no vector store, and Responses wants one.`,
    );
    return undefined;
  }
  const { ranker, score_threshold } = search?.ranking_options ?? {};
  if (ranker !== undefined && !isRanker(ranker)) {
    dropped.push(
      `tools[${index}] (file_search) is ranked by Responses' default ranker: it does not have the one that is named.`,
    );
  }
  const ranking = compact<Ranking>({
    ranker: ranker !== undefined && isRanker(ranker) ? ranker : undefined,
    score_threshold,
  });
  return compact<OpenAI.Responses.FileSearchTool>({
    type: 'file_search',
    vector_store_ids: stores,
    max_num_results: search?.max_num_results,
    ranking_options: orAbsent(ranking),
  });
};
