import { findAssistantFile } from './assistant/find-file.ts';
import { AssistantFileError } from './assistant/parse.ts';
import { ConfigError, readConfig } from './config/read-config.ts';
import type { SettingValues } from './config/settings-table.ts';

/** Characters that a token stands for at most, with room to spare: bounds an answer whose upstream does not. */
const CHARS_PER_TOKEN = 32;

/** Messages a day for one address: DAILY_MESSAGES_PER_ADDRESS, or a tenth of DAILY_MESSAGES. */
export const dailyShare = ({
  DAILY_MESSAGES,
  DAILY_MESSAGES_PER_ADDRESS: share,
}: SettingValues): number | null =>
  share === undefined ? DAILY_MESSAGES && Math.ceil(DAILY_MESSAGES / 10) : share;

/** Reads settings and assistant file. @throws Error that lists every fault of both. */
export const readSettings = async (env: Readonly<Record<string, string | undefined>>) => {
  const found = await findAssistantFile(env).catch((thrown: unknown) => {
    if (thrown instanceof AssistantFileError) return thrown;
    throw thrown;
  });
  if (!(found instanceof AssistantFileError)) {
    return { file: found, config: readConfig(env, found && { model: found.loaded.definition.model }) };
  }
  try {
    // The file is at fault, so that the settings are checked as if it named what they need.
    readConfig(env, { model: 'unknown' });
  } catch (thrown) {
    if (thrown instanceof ConfigError) found.message = `${thrown.message}\n${found.message}`;
  }
  throw found;
};

/** The bounds of a turn. */
export const turnLimits = (settings: SettingValues) => ({
  maxLiveTurns: settings.MAX_LIVE_TURNS,
  maxWaiting: settings.MAX_WAITING,
  runTimeout: settings.RUN_TIMEOUT,
  threadIdle: settings.THREAD_IDLE,
  historyMaxChars: settings.HISTORY_MAX_CHARS,
  answerMaxChars: settings.MAX_ANSWER_TOKENS * CHARS_PER_TOKEN,
  clearKeepsLog: settings.CLEAR_KEEPS_LOG,
});
