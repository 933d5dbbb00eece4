import type { OpenAI } from 'openai';
import { z } from 'zod';
import { opsFields } from './ops-fields.ts';
import { widgetFields } from './widget-fields.ts';

/** In an exported assistant `null` means absent. Shallow: in a function's JSON schema a null means itself. */
const withoutNulls = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
    : value;

const object = <S extends z.ZodRawShape>(shape: S) => z.preprocess(withoutNulls, z.object(shape));

const jsonSchema = z.record(z.string(), z.unknown());
const name = z.string().regex(/^[\w-]{1,64}$/, 'takes 1 to 64 of the characters a-z, A-Z, 0-9, _ and -');
const ids = z.array(z.string().min(1));

const EFFORTS = [
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
] as const satisfies readonly OpenAI.ReasoningEffort[];

const responseFormat = z.preprocess(
  // Inside, the word is an object like the others, so that one `type` tells them all apart.
  (value) => (value === 'auto' ? { type: 'auto' } : value),
  z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('auto') }),
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: object({
          name,
          description: z.string().exactOptional(),
          schema: jsonSchema,
          strict: z.boolean().exactOptional(),
        }),
      }),
    ],
    { error: 'takes "auto", or an object whose type is text, json_object or json_schema' },
  ),
);

/** The fields of the file but for its tools, which are read one by one (tools.ts). */
export const assistantFields = object({
  name: z.string().max(256).exactOptional(),
  description: z.string().max(512).exactOptional(),
  model: z.string().min(1).max(256).exactOptional(),
  instructions: z.string().max(256_000).exactOptional(),
  tools: z.array(z.unknown()).max(128).exactOptional(),
  tool_resources: object({
    file_search: object({ vector_store_ids: ids.exactOptional() }).exactOptional(),
    code_interpreter: object({ file_ids: ids.exactOptional() }).exactOptional(),
  }).exactOptional(),
  temperature: z.number().min(0).max(2).exactOptional(),
  top_p: z.number().min(0).max(1).exactOptional(),
  response_format: responseFormat.exactOptional(),
  reasoning_effort: z.enum(EFFORTS).exactOptional(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, 'takes at most 16 pairs')
    .exactOptional(),
  /** For the pages, not for any model. */
  'x-widget': z.preprocess(withoutNulls, widgetFields).exactOptional(),
  'x-ops': z.preprocess(withoutNulls, opsFields).exactOptional(),
});

export const fileSearchTool = object({
  type: z.literal('file_search'),
  file_search: object({
    max_num_results: z.int().min(1).max(50).exactOptional(),
    ranking_options: object({
      ranker: z.string().min(1).exactOptional(),
      score_threshold: z.number().min(0).max(1).exactOptional(),
    }).exactOptional(),
  }).exactOptional(),
});

export const codeInterpreterTool = object({ type: z.literal('code_interpreter') });

export const functionTool = object({
  type: z.literal('function'),
  function: object({
    name,
    description: z.string().exactOptional(),
    parameters: jsonSchema.exactOptional(),
    strict: z.boolean().exactOptional(),
  }),
});

/** Where a function tool's calls go, as it came from the file and passed the checks. */
export interface WebhookSettings {
  readonly url: string;
  /** Milliseconds that a call may take, the reading of its answer included. */
  readonly timeoutMs: number;
  /** The environment variable with the secret that signs its calls; undefined: they are not signed. */
  readonly secretEnv: string | undefined;
  /** Whether it may be called for a visitor who is not verified. */
  readonly allowUnverified: boolean;
}

export type FileSearchTool = z.output<typeof fileSearchTool>;
export type CodeInterpreterTool = z.output<typeof codeInterpreterTool>;
export type FunctionTool = z.output<typeof functionTool> & { readonly webhook: WebhookSettings };
/** A tool that only the Responses wire knows; it goes there as it stands in the file. */
export type ResponsesOwnTool = Exclude<
  OpenAI.Responses.Tool,
  { type: 'file_search' | 'code_interpreter' | 'function' }
>;

export type AssistantTool = FileSearchTool | CodeInterpreterTool | FunctionTool | ResponsesOwnTool;

/**
 * The assistant, as its owner's file defines it: checked, without nulls, ids and dates.
 * A field that is absent here is left to the upstream (or, where the upstream has none, to our defaults).
 */
export type AssistantDefinition = Omit<z.output<typeof assistantFields>, 'tools'> & {
  readonly tools?: readonly AssistantTool[];
};
