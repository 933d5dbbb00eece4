import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  AuthenticationError,
  NotFoundError,
  OpenAI,
  PermissionDeniedError,
} from 'openai';
import { z } from 'zod';
import { Refusal } from './command.ts';

/** Where assistants are asked for. */
export interface AssistantsServer {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** OpenAI's or Azure OpenAI's own service. */
  readonly isOpenAI: boolean;
}

const TIMEOUT_MS = 30_000;

/** An assistant as far as its export is looked at. */
const assistant = z.object({
  id: z.string(),
  model: z.string(),
  tools: z
    .array(z.object({ type: z.string(), function: z.object({ name: z.string() }).optional() }))
    .nullish(),
});
/** An assistant, and all of what the server said of it, as JSON. */
export type FetchedAssistant = z.infer<typeof assistant> & { readonly json: string };

const SHUT_DOWN = `OpenAI and Azure shut the Assistants API on 2026-08-26: it cannot be fetched from there any more.
Look for a copy of it: an export or backup of yours, the code or script that once made it, a log of
GET /v1/assistants/{id}, or the text of its instructions in your notes or in the provider's dashboard.
Then write the file by hand: copy assistant.example.json to assistant.json and put model, instructions and
tools in place.`;

const statusWords = (error: APIError, id: string, server: AssistantsServer): string => {
  const { host } = new URL(server.baseUrl);
  if (error instanceof APIConnectionTimeoutError) return `${host} does not answer.`;
  if (error instanceof APIConnectionError) {
    return `${host} cannot be reached (${causeOf(error)}). Is OPENAI_BASE_URL right, and is the server running?`;
  }
  if (error instanceof AuthenticationError || error instanceof PermissionDeniedError) {
    const key = server.apiKey === undefined ? 'Set OPENAI_API_KEY.' : 'Is OPENAI_API_KEY the right one?';
    return `${host} refuses the key (${error.status}). ${key}`;
  }
  if (error instanceof NotFoundError || error.status === 410) {
    return server.isOpenAI
      ? `${host} has no assistant ${id}. ${SHUT_DOWN}`
      : `${host} has no assistant ${id}, or does not speak the Assistants API at ${server.baseUrl}/assistants.`;
  }
  return `${host} could not give the assistant (status ${error.status ?? 'unknown'}).`;
};

/** What the network said: `ECONNREFUSED`, `ENOTFOUND`, …. */
const causeOf = (error: Error): string => {
  for (
    let cause: unknown = error, depth = 0;
    cause instanceof Error && depth < 5;
    cause = cause.cause, depth++
  ) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return 'no connection';
};

/**
 * Fetches an assistant from a server that serves it.
 * @throws Refusal that says what stands against it; it never carries a key or the server's own text.
 */
export const fetchAssistant = async (
  id: string,
  server: AssistantsServer,
  signal: AbortSignal,
): Promise<FetchedAssistant> => {
  const client = new OpenAI({
    baseURL: server.baseUrl,
    // Many self-hosted servers want no key; the SDK insists on one.
    apiKey: server.apiKey ?? 'none',
    // Else the SDK takes these from the environment, and tells them to any server.
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
    timeout: TIMEOUT_MS,
    maxRetries: 1,
    logLevel: 'off',
  });
  let answer: unknown;
  try {
    answer = await client.beta.assistants.retrieve(id, { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof APIError) throw new Refusal(statusWords(error, id, server));
    // The SDK says it is JSON by the header, and the parser says it is not.
    if (!(error instanceof SyntaxError)) throw error;
  }
  const result = assistant.safeParse(answer);
  if (result.success) return { ...result.data, json: JSON.stringify(answer, null, 2) };
  throw new Refusal(
    `What ${server.baseUrl}/assistants/${id} answers is no assistant${typeof answer === 'string' ? ' but a page or text' : ''}. OPENAI_BASE_URL is the address of the API, such as https://llm.example.org/v1.`,
  );
};
