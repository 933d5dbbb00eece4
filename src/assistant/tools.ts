import { z } from 'zod';
import {
  type AssistantTool,
  codeInterpreterTool,
  type FunctionTool,
  fileSearchTool,
  functionTool,
  type ResponsesOwnTool,
  type WebhookSettings,
} from './definition.ts';
import { addFault, check, type Fields, pathText, type Report } from './report.ts';
import { SECRET_TAKES, webhookKey } from './webhook-signature.ts';

/** Where the webhooks' secrets are: names and texts as in the environment. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What reading a tool needs and fills. */
export interface ToolReading {
  readonly env: Env;
  readonly report: Report;
  /** The keys that sign the functions' calls, by the function's name. */
  readonly secrets: Map<string, Buffer>;
}

/**
 * The tool types of Responses' own. `upstream`: the upstream runs it. `client`: it asks its caller to act and
 * waits; nobody here does, so the visitor would never get an answer.
 */
const RESPONSES_TYPES = {
  apply_patch: 'client',
  computer: 'client',
  computer_use_preview: 'client',
  custom: 'client',
  image_generation: 'upstream',
  local_shell: 'client',
  mcp: 'upstream',
  namespace: 'client',
  programmatic_tool_calling: 'upstream',
  shell: 'upstream',
  tool_search: 'upstream',
  web_search: 'upstream',
  web_search_2025_08_26: 'upstream',
  web_search_preview: 'upstream',
  web_search_preview_2025_03_11: 'upstream',
} as const satisfies Record<ResponsesOwnTool['type'], 'upstream' | 'client'>;

const isKnownType = (type: string): type is keyof typeof RESPONSES_TYPES =>
  Object.hasOwn(RESPONSES_TYPES, type);

/** Reads one tool of the file. What is wrong with it is in the report; then the result is undefined. */
export const readTool = (value: unknown, index: number, reading: ToolReading): AssistantTool | undefined => {
  const at = ['tools', index];
  const { report } = reading;
  const typed = check(z.looseObject({ type: z.string().min(1) }), value, at, report);
  if (!typed) return undefined;
  switch (typed.type) {
    case 'file_search':
      return check(fileSearchTool, value, at, report);
    case 'retrieval':
      report.notes.push(
        `${pathText(at)}.type retrieval is the old name of file_search, and is taken for it; put the ids of its vector stores into tool_resources.file_search.vector_store_ids.`,
      );
      return { type: 'file_search' };
    case 'code_interpreter':
      return check(codeInterpreterTool, value, at, report);
    case 'function':
      return readFunction(typed, at, reading);
    default:
      return readResponsesOwn(typed, index, report);
  }
};

/** Its `type` is all that is looked at: the tool goes to the upstream as it is, and the upstream judges the rest. */
const isResponsesOwn = (tool: { type: string }): tool is ResponsesOwnTool =>
  !isKnownType(tool.type) || RESPONSES_TYPES[tool.type] === 'upstream';

const readResponsesOwn = (
  tool: { type: string },
  index: number,
  report: Report,
): ResponsesOwnTool | undefined => {
  if (!isKnownType(tool.type)) {
    report.notes.push(
      `tools[${index}].type is none that is known here; the tool goes to the Responses wire as it is.`,
    );
  }
  if (!isResponsesOwn(tool)) {
    const what = `a ${tool.type} tool waits for its caller to act, which nothing here does`;
    addFault(report, ['tools', index, 'type'], `${what}; use a function with an x-webhook, or mcp`);
    return undefined;
  }
  if (tool.type === 'mcp' && (tool.require_approval ?? 'always') === 'always') {
    report.notes.push(
      `tools[${index}].require_approval is not "never": the model's calls will wait for an approval that nobody gives.`,
    );
  }
  return tool;
};

const HOOK_ABSENT =
  'is absent; a function takes "x-webhook": {"url": …} beside "function", or nobody would answer its calls';

const httpUrl = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) && url.hostname !== '' ? url : undefined;
};

// Strict, unlike the rest of the file: a misspelt allow_unverified or secret_env must not go unnoticed.
const webhookIn = (env: Env) =>
  z.strictObject(
    {
      url: z
        .string()
        .refine((text) => httpUrl(text) !== undefined, 'takes an http or https URL')
        .refine(
          (text) => !httpUrl(text)?.username && !httpUrl(text)?.password,
          'takes a URL without user name and password; use secret_env',
        ),
      timeout_ms: z.int().min(100).max(60_000).default(10_000),
      // Messages never repeat the text: somebody will paste the secret itself here.
      secret_env: z
        .string()
        .regex(/^[A-Za-z_]\w*$/, { error: 'takes the name of an environment variable', abort: true })
        .refine((name) => secretIn(env, name), {
          error: 'names an environment variable that is not set',
          abort: true,
        })
        .refine((name) => webhookKey(secretIn(env, name) ?? ''), {
          error: `the environment variable that it names takes ${SECRET_TAKES}`,
        })
        .optional(),
      allow_unverified: z.boolean().default(false),
    },
    {
      error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? HOOK_ABSENT : undefined),
    },
  );

const secretIn = (env: Env, name: string): string | undefined =>
  Object.hasOwn(env, name) ? env[name] : undefined;

const readFunction = (
  { 'x-webhook': given, ...rest }: Fields,
  at: readonly PropertyKey[],
  { env, report, secrets }: ToolReading,
): FunctionTool | undefined => {
  const tool = check(functionTool, rest, at, report);
  const hooked = z.object({ 'x-webhook': webhookIn(env) });
  const read = check(hooked, { 'x-webhook': given ?? undefined }, at, report)?.['x-webhook'];
  if (!tool || !read) return undefined;
  const secretEnv = read.secret_env;
  const key = secretEnv === undefined ? undefined : webhookKey(secretIn(env, secretEnv) ?? '');
  if (key) secrets.set(tool.function.name, key);
  else {
    report.notes.push(
      `${pathText(at)}.x-webhook has no secret_env: its calls are not signed, and who gets them cannot know that they are ours.`,
    );
  }
  const webhook: WebhookSettings = {
    url: read.url,
    timeoutMs: read.timeout_ms,
    secretEnv,
    allowUnverified: read.allow_unverified,
  };
  return { ...tool, webhook };
};
