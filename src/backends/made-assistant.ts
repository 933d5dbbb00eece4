import type { OpenAI } from 'openai';
import { z } from 'zod';
import { hashOf } from '../assistant/fingerprint.ts';
import type { AssistantsFields } from '../assistant/to-assistants.ts';
import { upstreamFailed, upstreamRejected, upstreamTimeout } from '../errors.ts';

/** Small things that outlive the process. */
export interface Facts {
  fact(name: string): Promise<string | undefined>;
  setFact(name: string, value: string): void;
}

/** The assistant that runs on the Assistants wire. */
export interface ServersAssistant {
  /**
   * Its id; it is made at the server if there is none.
   * @param signal Ends the wait, not the making: others may wait for it too.
   * @throws The SDK's errors, AppError, the signal's reason.
   */
  id(client: OpenAI, signal: AbortSignal): Promise<string>;
  /** The server does not know this id: a made one is made again. Says whether that can help. */
  forget(id: string): boolean;
}

/** How long the making of an assistant may take. */
const MAKING_MS = 30_000;

const made = z.object({ id: z.string().min(1) });

/**
 * The server's own assistant where its id is set; else one that is made there from the definition, once, and
 * remembered. One that was made from another definition is not used.
 */
export const madeAssistant = (deps: {
  readonly assistantId: string | undefined;
  readonly baseUrl: string;
  readonly fields: () => AssistantsFields;
  readonly facts: Facts;
}): ServersAssistant => {
  const { assistantId, baseUrl, fields, facts } = deps;
  if (assistantId !== undefined) return { id: async () => assistantId, forget: () => false };

  /** By the name of the fact: visitors who come at once make one assistant, not one each. */
  const ids = new Map<string, Promise<string>>();

  const make = async (name: string, client: OpenAI): Promise<string> => {
    const known = await facts.fact(name);
    if (known) return known;
    const { create } = fields();
    if (!create) throw upstreamRejected({ cause: new Error('no model is named to make an assistant with') });
    // No visitor's own signal: the end of one turn must not fail the others that wait.
    const signal = AbortSignal.timeout(MAKING_MS);
    const answered = await client.beta.assistants.create(create, { signal }).catch((thrown: unknown) => {
      throw signal.aborted ? upstreamTimeout({ cause: thrown }) : thrown;
    });
    const answer = made.safeParse(answered);
    if (!answer.success) throw upstreamFailed({ cause: answer.error });
    facts.setFact(name, answer.data.id);
    return answer.data.id;
  };

  return {
    id: (client, signal) => {
      const name = `assistant ${baseUrl} ${hashOf(fields().create ?? {})}`;
      const pending = ids.get(name) ?? make(name, client);
      if (ids.get(name) !== pending) {
        ids.set(name, pending);
        // One that failed is tried again by the next message.
        pending.catch(() => {
          if (ids.get(name) === pending) ids.delete(name);
        });
      }
      return unlessAborted(pending, signal);
    },
    forget: (id) => {
      for (const name of ids.keys()) facts.setFact(name, '');
      ids.clear();
      return id !== '';
    },
  };
};

const unlessAborted = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};
