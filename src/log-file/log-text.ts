import { type LogRow, lineOf } from './log-row.ts';

/** The text of conversations.json, an exchange a line, from rows that come key by key. */
export class LogText {
  #open: string | undefined;
  /** Keys that no visitor can have here come last: their rows come one by one. There are few, if any. */
  readonly #odd = new Map<string, string[]>();
  /** Exchanges and keys that were written until now. */
  exchanges = 0;
  keys = 0;

  #begin(key: string): string {
    const before = this.#open === undefined ? '{' : '\n],';
    this.#open = key;
    this.keys++;
    return `${before}\n${JSON.stringify(key)}: [\n`;
  }

  /** The next piece of the text. */
  add(row: LogRow): string {
    const { key, fields, isOdd } = lineOf(row);
    const json = JSON.stringify(fields);
    this.exchanges++;
    if (isOdd) {
      const list = this.#odd.get(key);
      if (list) list.push(json);
      else this.#odd.set(key, [json]);
      return '';
    }
    return (this.#open === key ? ',\n' : this.#begin(key)) + json;
  }

  /** The last piece. */
  end(): string {
    let text = '';
    for (const [key, list] of this.#odd) text += this.#begin(key) + list.join(',\n');
    return `${text}${this.#open === undefined ? '{' : '\n]'}\n}\n`;
  }
}
