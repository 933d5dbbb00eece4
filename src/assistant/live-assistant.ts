import type { AssistantDefinition } from './definition.ts';
import type { LoadedAssistant } from './parse.ts';
import { readAssistantFile } from './read-file.ts';
import type { Env } from './tools.ts';
import { createWebhooks, type ToolCaller } from './webhooks.ts';

interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The assistant as it is now; its file may be reloaded while the service runs. */
export interface LiveAssistant {
  /** The same object until the file is reloaded. */
  definition(): AssistantDefinition;
  readonly callTool: ToolCaller;
  /** Reads the file again. A broken one is refused with an error in the log, and the old assistant stays. */
  reload(): Promise<void>;
}

interface LiveAssistantDeps {
  /** Where the file is; undefined: there is none, and the assistant is what the defaults make it. */
  readonly path: string | undefined;
  readonly loaded: LoadedAssistant | undefined;
  readonly env: Env;
  /** Calls the webhooks. */
  readonly fetch: typeof fetch;
  readonly clock: { now(): number };
  readonly logger: Log;
  /** Called with each definition that takes effect. */
  readonly onChange: (definition: AssistantDefinition) => void;
}

const NOTHING: LoadedAssistant = { definition: {}, secrets: new Map(), notes: [] };

export const createLiveAssistant = ({
  path,
  loaded,
  env,
  fetch,
  clock,
  logger,
  onChange,
}: LiveAssistantDeps): LiveAssistant => {
  const take = (next: LoadedAssistant) => {
    for (const note of next.notes) logger.warn({}, note);
    onChange(next.definition);
    return { definition: next.definition, webhooks: createWebhooks({ ...next, fetch, clock, logger }) };
  };
  let current = take(loaded ?? NOTHING);
  return {
    definition: () => current.definition,
    callTool: (call, context) => current.webhooks.call(call, context),
    reload: async () => {
      if (path === undefined) {
        logger.warn({}, 'SIGHUP ignored: there was no assistant file at the start; restart to use one');
        return;
      }
      try {
        current = take(await readAssistantFile(path, env));
        logger.info({}, 'reloaded the assistant file');
      } catch (thrown) {
        logger.error({ err: thrown }, 'the assistant file is not taken; the assistant stays as it was');
      }
    },
  };
};
