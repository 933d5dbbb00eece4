import { findAssistantFile } from '../assistant/find-file.ts';
import { threadsMadeBy } from '../backends/create.ts';
import { readConfig } from '../config/read-config.ts';
import type { Environment } from './command.ts';

/**
 * The `madeBy` of threads at the configured Assistants server, as its backend makes it; undefined where the backend
 * is another one and would not use them.
 * @throws ConfigError, AssistantFileError
 */
export const threadsMadeByConfigured = async (env: Environment): Promise<string | undefined> => {
  const file = await findAssistantFile(env);
  const definition = file?.loaded.definition ?? {};
  const { upstream } = readConfig(env, file && { model: definition.model });
  return upstream.kind === 'assistants' ? threadsMadeBy(upstream, definition) : undefined;
};
