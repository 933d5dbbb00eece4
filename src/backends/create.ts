import { createHash } from 'node:crypto';
import type { AssistantDefinition } from '../assistant/definition.ts';
import { fingerprintOf } from '../assistant/fingerprint.ts';
import { toAssistants } from '../assistant/to-assistants.ts';
import { toCompletions } from '../assistant/to-completions.ts';
import { toResponses } from '../assistant/to-responses.ts';
import type { ToolCaller } from '../assistant/webhooks.ts';
import type { Backend } from '../chat/backend-port.ts';
import type { UpstreamThread, Visitor } from '../chat/model.ts';
import type { Logger } from '../chat/ports.ts';
import type { Adviser } from './advice.ts';
import { createAssistantsBackend } from './assistants.ts';
import { createCompletionsBackend } from './completions.ts';
import type { HttpClient } from './http-client.ts';
import { type Facts, madeAssistant } from './made-assistant.ts';
import { createRefusedParameters } from './refused-parameters.ts';
import { createResponsesBackend } from './responses.ts';
import { createHistoryLengths } from './told-history.ts';
import type { CallTool } from './tool-rounds.ts';
import { createClient, createOpenStream } from './upstream.ts';

/** An upstream and how it is spoken to. */
export interface BackendSettings {
  readonly kind: 'responses' | 'assistants' | 'completions';
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** The model where the definition names none; undefined: an assistant at the server has its own. */
  readonly model: string | undefined;
  /** The assistant at the server; undefined: one is made there from the definition. */
  readonly assistantId: string | undefined;
  readonly isOpenAI: boolean;
  /** The assistant as it is now. The same object as long as it is the same. */
  readonly definition: () => AssistantDefinition;
  readonly callTool: ToolCaller;
  readonly maxAnswerTokens: number;
  /** Milliseconds: the longest silence mid-stream, and the whole turn. */
  readonly idleTimeout: number;
  readonly runTimeout: number;
  /** Longest wait for an upstream's headers; absent: the turn's own end. */
  readonly headersTimeout?: number;
  readonly safetyIdentifier: (visitor: Visitor) => string;
  /** What is remembered beyond this process: the assistant that was made at a server. */
  readonly facts: Facts;
  readonly http: HttpClient;
  readonly adviser: Adviser;
  readonly logger: Logger;
}

/** How long a thread that something else runs on is waited for, at most. */
const LONGEST_LOCK_WAIT_MS = 10_000;

/** The wire, server and account: where a thread is, whichever assistant it was made for. */
const makerOf = ({ kind, baseUrl, apiKey }: Pick<BackendSettings, 'kind' | 'baseUrl' | 'apiKey'>): string => {
  const account = createHash('sha256')
    .update(apiKey ?? '')
    .digest('hex')
    .slice(0, 12);
  return `${kind} ${baseUrl} ${account}`;
};

/** What `madeBy` of a thread is made from: a thread is used only where all of it is as it was. */
export const threadsMadeBy = (
  upstream: Pick<BackendSettings, 'kind' | 'baseUrl' | 'apiKey' | 'model' | 'assistantId'>,
  definition: AssistantDefinition,
): string => {
  const fingerprint = fingerprintOf(definition, upstream.model);
  return [makerOf(upstream), upstream.assistantId ?? '', fingerprint].join(' ');
};

/** What a wire cannot carry of the definition, a sentence each: to be logged, not silently left out. */
export const droppedBy = (
  { kind, model }: Pick<BackendSettings, 'kind' | 'model'>,
  definition: AssistantDefinition,
): readonly string[] => CARRY[kind](definition, { model }).dropped;

const CARRY = { responses: toResponses, assistants: toAssistants, completions: toCompletions };

/** What follows from the definition, made once for each: a run needs it several times. */
const perDefinition = <Made>(
  { definition }: Pick<BackendSettings, 'definition'>,
  make: (definition: AssistantDefinition) => Made,
): (() => Made) => {
  let last: { readonly of: AssistantDefinition; readonly made: Made } | undefined;
  return () => {
    const of = definition();
    if (last?.of !== of) last = { of, made: make(of) };
    return last.made;
  };
};

const shared = (settings: BackendSettings) => {
  const client = createClient(settings);
  const refused = createRefusedParameters(settings.logger);
  const callTool: CallTool = (call, { visitor, verified, exchangeId, signal }) =>
    settings.callTool(call, {
      userId: visitor.kind === 'anonymous' ? null : visitor.id,
      verified,
      exchangeId,
      signal,
    });
  return {
    ...settings,
    client,
    open: createOpenStream(client, { ...settings, refused }),
    lengths: createHistoryLengths(settings.logger),
    fingerprint: perDefinition(settings, (definition) => threadsMadeBy(settings, definition)),
    isOurs: ({ madeBy }: UpstreamThread) => madeBy.startsWith(`${makerOf(settings)} `),
    // A quarter of the turn, so that time is left for the answer.
    lockWait: Math.min(LONGEST_LOCK_WAIT_MS, settings.runTimeout / 4),
    callTool,
  };
};

type Shared = ReturnType<typeof shared>;

/** A new wire is one file, one line here, and one in CARRY. */
const BACKENDS = {
  responses: (settings) =>
    createResponsesBackend({
      ...settings,
      fields: perDefinition(settings, (definition) => toResponses(definition, settings).fields),
    }),
  assistants: (settings) => {
    const fields = perDefinition(settings, (definition) => toAssistants(definition, settings).fields);
    return createAssistantsBackend({
      ...settings,
      fields,
      assistant: madeAssistant({ ...settings, fields }),
    });
  },
  completions: (settings) =>
    createCompletionsBackend({
      ...settings,
      carried: perDefinition(settings, (definition) => toCompletions(definition, settings)),
    }),
} satisfies Record<BackendSettings['kind'], (settings: Shared) => Backend>;

/** Makes the backend of an upstream. */
export const createBackend = (settings: BackendSettings): Backend =>
  BACKENDS[settings.kind](shared(settings));
