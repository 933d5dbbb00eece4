import { type AssistantDefinition, type AssistantTool, assistantFields } from './definition.ts';
import { addFault, check, type Fields, isFields, type Report } from './report.ts';
import { type Env, readTool } from './tools.ts';

/** A definition that passed its checks, and what else was learned from its file. */
export interface LoadedAssistant {
  readonly definition: AssistantDefinition;
  /** The keys that sign the functions' calls, by the function's name. They stay out of the definition. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** What its owner should know, a sentence each: to be logged once, as warnings. */
  readonly notes: readonly string[];
}

/** A file that is no good assistant. Its message lists every fault, and never repeats what the file says. */
export class AssistantFileError extends Error {
  override readonly name = 'AssistantFileError';
  readonly faults: readonly string[];
  constructor(source: string, faults: readonly string[]) {
    super(`${source} cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

const KNOWN: ReadonlySet<string> = new Set([
  'tool_resources',
  'top_p',
  'response_format',
  'reasoning_effort',
]);

interface ParseOptions {
  /** Where the webhooks' secrets are. */
  readonly env: Env;
  /** What messages call the file. */
  readonly source?: string;
}

/** An export has these; they name an object at a provider and say nothing of the assistant itself. */
const IGNORED = new Set(['id', 'object', 'created_at']);

/**
 * Checks an assistant in the shape that `GET /v1/assistants/{id}` used to return.
 * @throws AssistantFileError with every fault.
 */
export const parseAssistant = (
  json: unknown,
  { env, source = 'The assistant' }: ParseOptions,
): LoadedAssistant => {
  const report: Report = { faults: [], notes: [] };
  const secrets = new Map<string, Buffer>();
  if (!isFields(json)) {
    const wrong = Array.isArray(json)
      ? 'it holds no JSON object but a list; the file takes one assistant of it, without the list around it'
      : 'it holds no JSON object; an assistant is one, as GET /v1/assistants/{id} returned it';
    throw new AssistantFileError(source, [wrong]);
  }
  const wrong = wrongFile(json);
  if (wrong !== undefined) throw new AssistantFileError(source, [wrong]);

  const given = Object.fromEntries(Object.entries(json).filter(([key]) => !IGNORED.has(key)));
  addCamelCase(given, report);
  const fields = check(assistantFields, given, [], report);
  // Also where a field beside them is at fault: all faults in one message.
  const toolValues = Array.isArray(given.tools) ? given.tools : undefined;
  const tools = toolValues
    ?.map((value: unknown, index) => readTool(value, index, { env, report, secrets }))
    .filter((tool) => tool !== undefined);
  addDoubles(toolValues ?? [], report);
  if (!fields || report.faults.length > 0) throw new AssistantFileError(source, report.faults);

  const { tools: _unread, ...rest } = fields;
  const definition: AssistantDefinition = tools ? { ...rest, tools } : rest;
  addResourceNotes(definition, report);
  return { definition, secrets, notes: report.notes };
};

/** What another kind of file is told by; undefined where it may be an assistant. */
const wrongFile = (json: Fields): string | undefined => {
  if (json.object === 'list' || (Array.isArray(json.data) && json.instructions === undefined)) {
    return 'data: it holds a list of assistants; the file takes one of them, without the list around it';
  }
  if (['assistant', 'data', 'body'].some((key) => isFields(json[key])) && json.instructions === undefined) {
    return 'it holds an assistant inside another object; the file takes the assistant alone';
  }
  if ((json.object ?? 'assistant') !== 'assistant') {
    return 'object: is not "assistant"; this is another kind of object, or a list of them';
  }
  if (!['model', 'instructions', 'tools'].some((key) => Object.hasOwn(json, key))) {
    return 'it has none of model, instructions and tools; this is not an assistant';
  }
  return undefined;
};

/** Some SDKs write an assistant in camelCase: read as it is, most of it would be missing without a word. */
const addCamelCase = (given: Fields, report: Report): void => {
  for (const key of Object.keys(given)) {
    const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (snake !== key && KNOWN.has(snake))
      addFault(report, [key], `is written ${snake} in an exported assistant`);
  }
};

/** A model that calls a name that two functions have would reach the wrong one. */
const addDoubles = (tools: readonly unknown[], report: Report): void => {
  const seen = new Map<string, number>();
  for (const [index, tool] of tools.entries()) {
    const name = functionNameOf(tool);
    const first = name === undefined ? undefined : seen.get(name);
    if (first !== undefined) {
      addFault(report, ['tools', index, 'function', 'name'], `is the name of tools[${first}], too`);
    } else if (name !== undefined) seen.set(name, index);
  }
};

const functionNameOf = (tool: unknown): string | undefined => {
  const made = isFields(tool) && isFields(tool.function) ? tool.function : {};
  return typeof made.name === 'string' ? made.name : undefined;
};

const addResourceNotes = ({ tools = [], tool_resources: resources }: AssistantDefinition, report: Report) => {
  const unused = (type: AssistantTool['type'], used: readonly string[] | undefined) => {
    if (used?.length && !tools.some((tool) => tool.type === type)) {
      report.notes.push(`tool_resources.${type} is not used: there is no tool of type ${type}.`);
    }
  };
  unused('file_search', resources?.file_search?.vector_store_ids);
  unused('code_interpreter', resources?.code_interpreter?.file_ids);
};
