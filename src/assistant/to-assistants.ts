import type { OpenAI } from 'openai';
import { type Carried, type CarryOptions, compact, nestedFunction, orAbsent } from './carried.ts';
import { DEFAULT_INSTRUCTIONS } from './default.ts';
import type { AssistantDefinition, AssistantTool, FileSearchTool } from './definition.ts';

/** What a run overrides of the assistant that it runs: in `POST /v1/threads/{id}/runs` and `/v1/threads/runs`. */
export type RunFields = Pick<
  OpenAI.Beta.Threads.RunCreateParams,
  | 'instructions'
  | 'model'
  | 'temperature'
  | 'top_p'
  | 'response_format'
  | 'reasoning_effort'
  | 'metadata'
  | 'tools'
> &
  // Both ways to start a run take them.
  Pick<OpenAI.Beta.ThreadCreateAndRunParams, 'instructions' | 'model' | 'tools'>;

/** What goes with a thread when it is made. */
export type ThreadFields = Pick<OpenAI.Beta.ThreadCreateParams, 'tool_resources'>;

export interface AssistantsFields {
  /** Goes with every run. Only what the file says: the rest is the assistant's own at the server. */
  readonly run: RunFields;
  /** What a run cannot override. Goes with every new thread on an assistant that was not made from `create`. */
  readonly thread: ThreadFields;
  /** Makes the assistant at the server; undefined where neither file nor settings name a model. */
  readonly create: OpenAI.Beta.AssistantCreateParams | undefined;
}

/**
 * The definition on the Assistants wire: for a server's own assistant, whose id is set, as overrides; else as
 * what makes one there.
 * @see https://platform.openai.com/docs/api-reference/runs/createRun
 */
export const toAssistants = (
  definition: AssistantDefinition,
  settings: CarryOptions,
): Carried<AssistantsFields> => {
  const dropped: string[] = [];
  const tools = definition.tools
    ?.map((tool, index) => toolOf(tool, index, dropped))
    .filter((tool) => tool !== undefined);
  const model = definition.model ?? settings.model;
  const format = definition.response_format;
  const run = compact<RunFields>({
    instructions: definition.instructions,
    model,
    temperature: definition.temperature,
    top_p: definition.top_p,
    response_format: format?.type === 'auto' ? 'auto' : format,
    reasoning_effort: definition.reasoning_effort,
    metadata: orAbsent(definition.metadata),
    // Also an empty list: the file then says that there are none.
    tools,
  });
  const thread = compact<ThreadFields>({ tool_resources: resourcesOf(definition) });
  const create =
    model === undefined
      ? undefined
      : compact<OpenAI.Beta.AssistantCreateParams>({
          ...run,
          ...thread,
          model,
          instructions: definition.instructions ?? DEFAULT_INSTRUCTIONS,
          name: definition.name,
          description: definition.description,
          tools,
        });
  return { fields: { run, thread, create }, dropped };
};

type Resources = NonNullable<ThreadFields['tool_resources']>;

/** Without the empty lists of an export, which would take from a thread what it may have otherwise. */
const resourcesOf = ({ tool_resources: given }: AssistantDefinition): Resources | undefined => {
  const stores = orAbsent(given?.file_search?.vector_store_ids);
  const files = orAbsent(given?.code_interpreter?.file_ids);
  return orAbsent(
    compact<Resources>({
      file_search: stores && { vector_store_ids: stores },
      code_interpreter: files && { file_ids: files },
    }),
  );
};

const toolOf = (
  tool: AssistantTool,
  index: number,
  dropped: string[],
): OpenAI.Beta.AssistantTool | undefined => {
  switch (tool.type) {
    case 'file_search':
      return fileSearch(tool, index, dropped);
    case 'code_interpreter':
      return { type: tool.type };
    case 'function':
      return nestedFunction(tool);
    default:
      dropped.push(
        `tools[${index}] (${tool.type}) is not offered: the Assistants wire has no tools of its type.`,
      );
      return undefined;
  }
};

type Search = OpenAI.Beta.FileSearchTool.FileSearch;
type Ranking = OpenAI.Beta.FileSearchTool.FileSearch.RankingOptions;
const isRanker = (name: string): name is NonNullable<Ranking['ranker']> =>
  ['auto', 'default_2024_08_21'].includes(name);

const fileSearch = (
  { file_search: given }: FileSearchTool,
  index: number,
  dropped: string[],
): OpenAI.Beta.FileSearchTool => {
  const { ranker, score_threshold } = given?.ranking_options ?? {};
  if (ranker !== undefined && !isRanker(ranker)) {
    dropped.push(
      `tools[${index}] (file_search) is ranked by the Assistants wire's default ranker: it does not have the one that is named.`,
    );
  }
  const ranking =
    given?.ranking_options &&
    compact<Ranking>({
      ranker: ranker !== undefined && isRanker(ranker) ? ranker : undefined,
      // This wire wants it with the ranker; 0 is its default without both.
      score_threshold: score_threshold ?? 0,
    });
  const search = orAbsent(
    compact<Search>({ max_num_results: given?.max_num_results, ranking_options: ranking }),
  );
  return search ? { type: 'file_search', file_search: search } : { type: 'file_search' };
};
