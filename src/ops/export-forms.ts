import { type Visitor, visitorKey } from '../chat/model.ts';
import { BYTE_ORDER_MARK, csvRow } from './csv.ts';
import { COLUMNS } from './csv-exchange.ts';
import type { ExchangeFilter, OpsExchange, OpsReads } from './ops-port.ts';

/** The forms in which exchanges are given away. */
export const FORMATS = ['csv', 'jsonl', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export const CONTENT_TYPES: Record<Format, string> = {
  csv: 'text/csv; charset=utf-8',
  jsonl: 'application/x-ndjson; charset=utf-8',
  json: 'application/json; charset=utf-8',
};

type Reads = Pick<OpsReads, 'exchanges' | 'conversations'>;
/** How an exchange stands in conversations.json. */
export type LogEntry = (exchange: OpsExchange) => object;

/** Few, so that the longest of messages and answers stay within bounds, too. */
const PAGE = 50;
/** The key of conversations.json under which all anonymous exchanges stand. */
const ANONYMOUS = 'anonymous';

/** Pieces of text, one for each page that is read: nothing grows with the number of exchanges but the list of keys. */
export const exportAs = (
  format: Format,
  filter: ExchangeFilter,
  { reads, logEntry, now }: { reads: Reads; logEntry: LogEntry; now: number },
): AsyncGenerator<string> => {
  // What comes meanwhile would move the pages.
  const fixed = { ...filter, to: Math.min(filter.to ?? Number.POSITIVE_INFINITY, now / 1000) };
  if (format === 'csv') return asCsv(reads, fixed);
  return format === 'jsonl' ? asLines(reads, fixed) : asLog(reads, fixed, logEntry);
};

/** Oldest first. */
async function* pagesOf(reads: Reads, filter: ExchangeFilter): AsyncGenerator<readonly OpsExchange[]> {
  let after: string | undefined;
  for (;;) {
    const { rows, hasNewer } = await reads.exchanges(filter, {
      limit: PAGE,
      order: 'oldest',
      ...(after !== undefined && { after }),
    });
    if (rows.length > 0) yield rows;
    after = rows.at(-1)?.cursor;
    if (!hasNewer || after === undefined) return;
  }
}

async function* asLines(reads: Reads, filter: ExchangeFilter): AsyncGenerator<string> {
  for await (const page of pagesOf(reads, filter)) {
    yield page.map(({ cursor: _, key: __, ...exchange }) => `${JSON.stringify(exchange)}\n`).join('');
  }
}

async function* asCsv(reads: Reads, filter: ExchangeFilter): AsyncGenerator<string> {
  yield BYTE_ORDER_MARK + csvRow(Object.keys(COLUMNS));
  const cells = Object.values(COLUMNS);
  for await (const page of pagesOf(reads, filter)) {
    yield page.map((exchange) => csvRow(cells.map((cell) => cell(exchange)))).join('');
  }
}

/** The visitors with an exchange that fits, by their key in conversations.json. */
const visitorsByKey = async (reads: Reads, filter: ExchangeFilter): Promise<Map<string, Visitor[]>> => {
  const byKey = new Map<string, Visitor[]>();
  let before: string | undefined;
  for (;;) {
    const { rows, hasOlder } = await reads.conversations(filter, {
      limit: PAGE,
      ...(before !== undefined && { before }),
    });
    for (const { visitor } of rows) {
      const key = visitor.kind === 'anonymous' ? ANONYMOUS : visitor.id;
      const known = byKey.get(key);
      if (known) known.push(visitor);
      else byKey.set(key, [visitor]);
    }
    before = rows.at(-1)?.cursor;
    if (!hasOlder || before === undefined) return byKey;
  }
};

async function* asLog(reads: Reads, filter: ExchangeFilter, logEntry: LogEntry): AsyncGenerator<string> {
  const byKey = await visitorsByKey(reads, filter);
  let isFirstKey = true;
  yield '{';
  for (const key of [...byKey.keys()].toSorted()) {
    yield `${isFirstKey ? '' : ','}\n${JSON.stringify(key)}: [`;
    isFirstKey = false;
    let isFirst = true;
    const visitors = (byKey.get(key) ?? []).toSorted((one, other) =>
      visitorKey(one) < visitorKey(other) ? -1 : 1,
    );
    for (const visitor of visitors) {
      for await (const page of pagesOf(reads, { ...filter, visitor })) {
        const entries = page.map((exchange) => JSON.stringify(logEntry(exchange)));
        yield `${isFirst ? '' : ','}\n  ${entries.join(',\n  ')}`;
        isFirst = false;
      }
    }
    yield '\n]';
  }
  yield '\n}\n';
}
