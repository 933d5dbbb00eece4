/** `npm run assistant:export`: fetches an assistant into a file that the site's owner holds. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SETTINGS } from '../config/settings-table.ts';
import { chooseUpstream } from '../config/upstream-choice.ts';
import { errnoOf, replaceFile } from '../log-file/durable-file.ts';
import { systemReason } from '../system-reason.ts';
import {
  type Environment,
  Refusal,
  runCommand,
  type Surroundings,
  settingOf,
  UsageError,
} from './command.ts';
import { type AssistantsServer, type FetchedAssistant, fetchAssistant } from './fetch-assistant.ts';

const USAGE = `Usage: npm run assistant:export -- asst_… [--out assistant.json] [--force]

Fetches an assistant from OPENAI_BASE_URL, with OPENAI_API_KEY, and writes it into a file: from then on it is
yours, whatever becomes of the server.

  --out <file>  where to; assistant.json if absent
  --force       replaces the file if it is there
  --help        this text`;

/** Whoever runs the service may read it: it holds no secret. */
const MODE = 0o644;

const readArgs = (args: readonly string[]) => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        out: { type: 'string', default: 'assistant.json' },
        force: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const [id, ...more] = positionals;
    if (id === undefined) throw new UsageError('Which assistant is to be fetched?');
    if (more.length > 0) throw new UsageError(`One assistant at a time, not also ${more.join(', ')}.`);
    if (!SETTINGS.OPENAI_ASSISTANT_ID.schema.safeParse(id).success) {
      throw new UsageError('The id of an assistant looks like asst_abc123.');
    }
    return { id, out: path.resolve(values.out), force: values.force };
  } catch (error) {
    // Node's own words: "Unknown option '--x'".
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
};

const serverOf = (env: Environment): AssistantsServer => {
  const apiKey = settingOf(env, 'OPENAI_API_KEY', SETTINGS.OPENAI_API_KEY);
  const given = settingOf(env, 'OPENAI_BASE_URL', SETTINGS.OPENAI_BASE_URL);
  // Asked for the wire that every host may have, so that it only tells which host this is.
  const choice = chooseUpstream({
    backend: 'responses',
    apiKey: apiKey ?? 'none',
    baseUrl: given,
    assistantId: undefined,
    model: undefined,
    file: undefined,
  });
  if ('faults' in choice || choice.upstream.kind === 'offline')
    throw new Refusal('There is no server to ask.');
  const { baseUrl, isOpenAI } = choice.upstream;
  if (isOpenAI && apiKey === undefined) {
    throw new Refusal(`OPENAI_API_KEY is absent; ${new URL(baseUrl).host} needs the key of your account.`);
  }
  return { baseUrl, apiKey, isOpenAI };
};

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: unknown) => errnoOf(error) !== 'ENOENT',
  );

const nextSteps = (file: string, { model, tools: given }: FetchedAssistant): string => {
  const tools = given ?? [];
  const functions = tools.flatMap((tool) => (tool.type === 'function' ? (tool.function?.name ?? '?') : []));
  const steps = [
    `Set ASSISTANT_FILE=${file} (assistant.json in the service's working directory is found without).`,
    `Its model is ${model}: change "model" in the file if your next provider has another.`,
  ];
  if (functions.length > 0) {
    const names = functions.join(', ');
    steps.push(
      `Its function tools need "x-webhook": {"url": "https://…"} beside "function", the address that is to do the work: ${names}.`,
    );
  }
  if (tools.some(({ type }) => type === 'file_search' || type === 'code_interpreter')) {
    steps.push('Its vector stores and files stay at the server: tool_resources names those of this one.');
  }
  return `What comes next:\n${steps.map((step, place) => `  ${place + 1}. ${step}`).join('\n')}`;
};

const run = async ({ args, env, signal, print }: Surroundings): Promise<void> => {
  const { id, out, force } = readArgs(args);
  const server = serverOf(env);
  if (!force && (await isThere(out))) {
    throw new Refusal(`${out} is there already; --force replaces it, --out names another.`);
  }
  const assistant = await fetchAssistant(id, server, signal);
  await replaceFile(out, MODE, [`${assistant.json}\n`]).catch((error: unknown) => {
    throw new Refusal(`${out} cannot be written: ${systemReason(error)}.`);
  });
  print(`${id} was written to ${out}.\n${nextSteps(out, assistant)}`);
};

await runCommand(USAGE, run);
