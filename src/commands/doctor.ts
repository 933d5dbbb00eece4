/** `npm run doctor`: checks before visitors come whether everything works, and says what to do where it does not. */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { findAssistantFile } from '../assistant/find-file.ts';
import { AssistantFileError } from '../assistant/parse.ts';
import { type Config, ConfigError, readConfig } from '../config/read-config.ts';
import type { Remote } from '../config/upstream-choice.ts';
import { createPaint, type Paint } from '../logging/pretty.ts';
import { proxiesIn } from '../open-upstreams.ts';
import { type Environment, Refusal, runCommand, type Surroundings, UsageError } from './command.ts';
import { checkDisk } from './doctor/disk-check.ts';
import { checkDocuments } from './doctor/documents-check.ts';
import { about, type Finding, findingText, summary } from './doctor/finding.ts';
import { type LocalService, localService } from './doctor/local-service.ts';
import { checkSettings, isLocal } from './doctor/settings-check.ts';
import { checkUpstream } from './doctor/upstream-check.ts';
import { checkWay } from './doctor/way-check.ts';

const USAGE = `Usage: npm run doctor [-- --no-message] [--strict]

Checks whether everything works before visitors come: settings, key, model, clock, disk, and the way through
PUBLIC_ORIGIN: streaming, WebSockets, and whose address is counted. The service may be running; if it is not, it is
started for the checks. One short message is sent to the model.

  --no-message  sends none, so that nothing is spent
  --strict      ends with 1 also where only a decision is open
  --help        this text

Ends with 0 where everything works, 1 where something does not, 2 where the call is wrong.`;

const readArgs = (args: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { message: { type: 'boolean', default: true }, strict: { type: 'boolean', default: false } },
      allowNegative: true,
    });
    return values;
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
};

const configOf = async (env: Environment): Promise<{ config: Config; model: string | undefined }> => {
  try {
    const file = await findAssistantFile(env);
    const definition = file?.loaded.definition;
    return { config: readConfig(env, definition && { model: definition.model }), model: definition?.model };
  } catch (thrown) {
    if (thrown instanceof ConfigError || thrown instanceof AssistantFileError)
      throw new Refusal(thrown.message);
    throw thrown;
  }
};

const run = async ({ args, env, signal, print, warn, failLater }: Surroundings): Promise<void> => {
  const { message, strict } = readArgs(args);
  const paint: Paint = createPaint(process.stdout.isTTY && process.stdout.hasColors());
  const { config, model } = await configOf(env);
  const { settings } = config;
  const found: Finding[] = [];
  const tell = (findings: readonly Finding[]): void => {
    for (const finding of findings) print(findingText(finding, paint));
    found.push(...findings);
  };
  const upstreamCheck = (upstream: Remote, prefix: 'OPENAI_' | 'FALLBACK_', name: string | undefined) =>
    checkUpstream({
      upstream,
      prefix,
      model: name,
      proxies: proxiesIn(env, settings),
      signal,
      now: Date.now,
    });

  print('');
  const origin = settings.PUBLIC_ORIGIN;
  tell(checkSettings(config, origin, env.NODE_ENV === 'production'));
  if (config.upstream.kind !== 'offline') {
    tell(await upstreamCheck(config.upstream, 'OPENAI_', model ?? config.upstream.model));
  }
  if (config.fallback) {
    tell(
      await upstreamCheck(
        config.fallback,
        'FALLBACK_',
        settings.FALLBACK_MODEL ?? model ?? config.fallback.model,
      ),
    );
  }
  if (settings.DATABASE_URL === undefined) tell(await checkDisk(path.resolve(settings.DATA_DIR)));
  tell(await checkDocuments(config, warn));

  let service: LocalService | undefined;
  try {
    service = await localService(env, settings);
    tell(service.findings);
    const local = service.url;
    const isDirect =
      origin === undefined || (isLocal(origin) && new URL(origin).port === new URL(local).port);
    const way = {
      origin: isDirect ? local : origin,
      local,
      sendsMessage: message,
      runTimeout: settings.RUN_TIMEOUT,
      trustProxy: settings.TRUST_PROXY,
      signal,
    };
    tell(await checkWay(way));
  } catch (thrown) {
    signal.throwIfAborted();
    const seen = thrown instanceof Error ? thrown.message : String(thrown);
    tell([about('service').failed(seen, 'mend this first, then run the doctor again')]);
  } finally {
    await service?.stop();
  }
  print(`\n  ${summary(found, paint)}\n`);
  const isBad = found.some(({ state }) => state === 'failed' || (strict && state === 'open'));
  if (isBad) failLater();
};

await runCommand(USAGE, run);
