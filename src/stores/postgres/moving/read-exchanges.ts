import type { Logger } from '../../../chat/ports.ts';
import type { LogRow } from '../../../log-file/log-row.ts';
import { readConnectionSettings } from '../connection-settings.ts';
import { connect } from '../database.ts';
import { exchangeColumns } from '../exchange-columns.ts';
import { asUnavailable } from '../failures.ts';
import { prepare } from '../starting.ts';
import { defaultTuning } from '../tuning.ts';
import { createAsyncHandoff } from './async-handoff.ts';
import { movedOf } from './moving.ts';

/** Exchanges that are read at once. */
const PAGE = 1000;
/** Milliseconds that the database may be silent: it sorts the whole log first. */
const SILENCE_MS = 60 * 60_000;

/** How a move marks an exchange whose key in conversations.json cannot be a visitor here. */
const ODD_KEY = '{"key":%';

/**
 * Reads all exchanges as of one moment, while servers go on: key by key as conversations.json has them, the oldest of
 * each key first; at the end those whose keys cannot be visitors here, oldest first. In pages, of which at most two are
 * in memory.
 * @throws Error that names the database, never its password, where it cannot be used, or is half-moved.
 */
export async function* readByKey(deps: {
  url: string;
  schema?: string | undefined;
  wait: number;
  logger: Logger;
}): AsyncGenerator<LogRow[]> {
  const { schema, wait, logger } = deps;
  const tuning = { ...defaultTuning, connections: 1, statementMs: 0, silenceMs: SILENCE_MS };
  const given = await readConnectionSettings(deps.url);
  const { settings } = await prepare({ settings: given, schema, wait, tuning, logger });
  const database = connect({ settings, tuning, logger });
  const pages = createAsyncHandoff<LogRow[]>();
  const reading = database
    .transaction(async (own) => {
      const rows = own`
          select ${exchangeColumns(own)}, cleared, more from tp_exchanges
          order by (visitor is null and coalesce(more like ${ODD_KEY}, false)),
            (case when visitor is null or visitor like 'a:%' then 'anonymous' else substr(visitor, 3) end)
              collate "C",
            seq`.cursor(PAGE);
      for await (const page of rows) {
        if (!(await pages.give(page.map(movedOf)))) return;
      }
    }, 'isolation level repeatable read read only')
    .then(
      () => pages.end(),
      (thrown: unknown) => pages.fail(asUnavailable(thrown)),
    );
  try {
    yield* pages.values();
  } finally {
    pages.stop();
    await reading;
    await database.close(defaultTuning.closeMs);
  }
}
