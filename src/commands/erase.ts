/** `npm run erase`: erases a visitor, here and at the provider. */

import { parseArgs } from 'node:util';
import { findAssistantFile } from '../assistant/find-file.ts';
import { type Visitor, visitorKey } from '../chat/model.ts';
import { unstamped } from '../chat/thread-size.ts';
import { readConfig } from '../config/read-config.ts';
import { opaqueName } from '../identity/session-tokens.ts';
import { openUpstreams } from '../open-upstreams.ts';
import { createEraser } from '../ops/erasure.ts';
import { withStore } from './chosen-exchanges.ts';
import { runCommand, type Surroundings, UsageError, warningsOnly } from './command.ts';

const USAGE = `Usage: npm run erase -- <kind> <id> --yes

Erases all that a visitor said and was answered: exchanges, conversations.json, archive, search index, feedback, keys, and
the thread at the provider. It cannot be undone.

  <kind>  user (a user_id on trust), verified, or anonymous
  <id>    the user_id, or the session of an anonymous visitor
  --yes   that it is meant
  --help  this text

Without DATABASE_URL it needs the data folder for itself: while the service runs, use the page /ops or
DELETE /api/ops/visitors/{kind}/{id}.`;

const KINDS = ['user', 'verified', 'anonymous'] as const;

const readArgs = (args: readonly string[]): Visitor => {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { yes: { type: 'boolean', default: false } },
    });
    const [given, id] = positionals;
    const kind = KINDS.find((one) => one === given);
    if (!kind || !id || positionals.length !== 2) throw new UsageError('name the kind of visitor and its id');
    if (!values.yes) throw new UsageError('it cannot be undone: say --yes');
    return { kind, id };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
};

const run = async ({ args, env, print, warn, failLater }: Surroundings): Promise<void> => {
  const visitor = readArgs(args);
  const file = await findAssistantFile(env);
  const config = readConfig(env, file && { model: file.loaded.definition.model });
  const clock = { now: () => Date.now() };
  const logger = warningsOnly(warn);
  await withStore({ env, warn }, async ({ store, opsStore, sessionSecrets }, settings) => {
    const upstreams = openUpstreams({ config, file, env, store, clock, logger, safetyIdentifier: () => '' });
    const { backend } = upstreams;
    const eraser = createEraser({
      store: opsStore,
      alone: (_visitor, work) => work(),
      forgetThread: backend.forget && ((thread) => backend.forget?.(unstamped(thread)) ?? Promise.resolve()),
      nameOf: (of) => opaqueName(sessionSecrets[0] ?? '', `audit:${visitorKey(of)}`).slice(0, 12),
      retention: settings.RETENTION,
      clock,
      logger,
    });
    try {
      const { exchanges, thread } = await eraser.erase(visitor, 'command');
      print(
        exchanges === 1
          ? '1 exchange was erased.'
          : `${exchanges.toLocaleString('en')} exchanges were erased.`,
      );
      if (thread !== 'pending') return;
      print('The thread at the provider could not be deleted: the service tries again when it starts.');
      failLater();
    } finally {
      await eraser.stop();
      await upstreams.close();
    }
  });
};

await runCommand(USAGE, run);
