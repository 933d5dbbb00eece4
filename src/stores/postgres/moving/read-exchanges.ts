import type { Logger } from '../../../chat/ports.ts';
import { readTarget } from '../connection-settings.ts';
import { connect } from '../database.ts';
import { asUnavailable } from '../failures.ts';
import { prepare } from '../starting.ts';
import { defaultTuning } from '../tuning.ts';
import { createHandover } from './async-handoff.ts';
import { type MovedExchange, movedOf } from './moving.ts';

/** Exchanges that are read at once. */
const PAGE = 1000;
/** Milliseconds that the database may be silent: it sorts the whole log first. */
const SILENCE_MS = 60 * 60_000;

/** What the mover puts first where a key cannot be a visitor here. */
const ODD_KEY = '{"key":%';

/**
 * Gives all exchanges as they were at one moment, while servers go on: key by key as conversations.json has them,
 * each key's oldest first; last those whose keys cannot be visitors here, oldest first. In pages, and never more
 * than two of them in memory.
 * @throws Error that names the database, never its password, where it cannot be used, or is half-moved.
 */
export async function* readByKey(deps: {
  url: string;
  wait: number;
  logger: Logger;
}): AsyncGenerator<MovedExchange[]> {
  const target = await readTarget(deps.url);
  const tuning = { ...defaultTuning, connections: 1, statementMs: 0, silenceMs: SILENCE_MS };
  await prepare({ ...deps, target, tuning });
  const database = connect({ target, tuning, logger: deps.logger });
  const pages = createHandover<MovedExchange[]>();
  const reading = database
    .try((sql) =>
      sql.begin('isolation level repeatable read read only', async (own) => {
        const rows = own`
          select id, visitor, said, answer, error, truncated, tokens_in, tokens_out, at, name, cleared, more
          from tp_exchanges
          order by (visitor is null and coalesce(more like ${ODD_KEY}, false)),
            (case when visitor is null or visitor like 'a:%' then 'anonymous' else substr(visitor, 3) end)
              collate "C",
            seq`.cursor(PAGE);
        for await (const page of rows) {
          if (!(await pages.give(page.map(movedOf)))) return;
        }
      }),
    )
    .then(
      () => pages.end(),
      (thrown: unknown) => pages.fail(asUnavailable(thrown)),
    );
  try {
    yield* pages.taken();
  } finally {
    pages.stop();
    await reading;
    await database.close(defaultTuning.closeMs);
  }
}
