import type { Backend, Visitor } from '../chat/ports.ts';
import { createAssistantsBackend } from './assistants.ts';
import { createCompletionsBackend } from './completions.ts';
import { createResponsesBackend } from './responses.ts';

/** An upstream and how it is spoken to. */
export interface BackendSettings {
  readonly kind: 'responses' | 'assistants' | 'completions';
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly model: string | undefined;
  readonly assistantId?: string;
  readonly isOpenAI: boolean;
  readonly instructions: string;
  readonly maxAnswerTokens: number;
  /** Milliseconds: the longest silence mid-stream, and the whole turn. */
  readonly idleTimeout: number;
  readonly runTimeout: number;
  readonly safetyIdentifier: (visitor: Visitor) => string;
  /** Names the server that keeps the threads; absent: its URL does. */
  readonly server?: string;
}

/** How long a thread that something else runs on is waited for, at most. */
const LONGEST_LOCK_WAIT_MS = 10_000;

type Factory = (settings: BackendSettings & { fingerprint: string; lockWait: number }) => Backend;

/** A new wire is one file and one line here. */
const BACKENDS = {
  responses: (settings) => createResponsesBackend({ ...settings, model: needed(settings.model, 'a model') }),
  assistants: (settings) =>
    createAssistantsBackend({ ...settings, assistantId: needed(settings.assistantId, 'an assistant id') }),
  completions: (settings) =>
    createCompletionsBackend({ ...settings, model: needed(settings.model, 'a model') }),
} satisfies Record<BackendSettings['kind'], Factory>;

const needed = (value: string | undefined, what: string): string => {
  if (value === undefined) throw new Error(`this backend needs ${what}`);
  return value;
};

/** Makes the backend of an upstream. */
export const createBackend = (settings: BackendSettings): Backend =>
  BACKENDS[settings.kind]({
    ...settings,
    fingerprint:
      `${settings.kind} ${settings.server ?? settings.baseUrl} ${settings.assistantId ?? ''}`.trim(),
    // A quarter of the turn, so that time is left for the answer.
    lockWait: Math.min(LONGEST_LOCK_WAIT_MS, settings.runTimeout / 4),
  });
