import type { MovedExchange } from '../../stores/postgres/moving/moving.ts';
import { lineOf } from './log-rows.ts';

/** The text of conversations.json, from exchanges that come key by key. */
export class LogText {
  readonly #pages: AsyncIterable<readonly MovedExchange[]>;
  readonly #signal: AbortSignal;
  /** Exchanges and keys that were written until now. */
  exchanges = 0;
  keys = 0;

  constructor(pages: AsyncIterable<readonly MovedExchange[]>, signal: AbortSignal) {
    this.#pages = pages;
    this.#signal = signal;
  }

  /**
   * The text, a page at a time, as the embedded store writes it.
   * @throws The signal's reason.
   */
  async *pieces(): AsyncGenerator<string> {
    let text = '{';
    let open: string | undefined;
    // Keys that no visitor can have here come last and one by one: there are few, if any.
    const odd = new Map<string, string[]>();
    const begin = (key: string): string => {
      this.keys++;
      return `${open === undefined ? '' : '\n],'}\n${JSON.stringify(key)}: [\n`;
    };
    for await (const page of this.#pages) {
      this.#signal.throwIfAborted();
      for (const row of page) {
        const { key, fields, isOdd } = lineOf(row);
        const json = JSON.stringify(fields);
        this.exchanges++;
        if (isOdd) {
          const list = odd.get(key);
          if (list) list.push(json);
          else odd.set(key, [json]);
          continue;
        }
        text += open === key ? ',\n' : begin(key);
        open = key;
        text += json;
      }
      yield text;
      text = '';
    }
    for (const [key, list] of odd) {
      text += begin(key) + list.join(',\n');
      open = key;
    }
    yield `${text}${open === undefined ? '' : '\n]'}\n}\n`;
  }
}
