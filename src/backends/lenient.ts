/**
 * Reads of an upstream's JSON that never fail: what is missing or of another kind reads as nothing. What an answer does
 * not need must not kill it; what it does need is checked where it is used.
 */

type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = {};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object's fields; none where it is no object. */
export const fields = (value: unknown): Fields => (isFields(value) ? value : NOTHING);

/** A list's members; none where it is no list. */
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A text that is not empty; else undefined. */
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A text, or a whole number as one, as some servers number what others name. */
export const name = (value: unknown): string | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? String(value) : text(value);

/** JSON as text: arguments that some servers send as an object. */
export const json = (value: unknown): string | undefined =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : text(value);

/** A count; undefined where it is none. */
export const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;

/** The text of a message's content: a text, or parts of which only text and refusals are meant for the reader. */
export const contentText = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map(fields)
        .map((part) => {
          const type = text(part.type) ?? 'text';
          if (type === 'refusal') return text(part.refusal) ?? '';
          if (type !== 'text' && type !== 'output_text') return '';
          return text(part.text) ?? text(fields(part.text).value) ?? '';
        })
        .join('');

/** What a run cost; undefined where the upstream does not say. */
export const usageOf = (value: unknown): { input: number; output: number } | undefined => {
  const given = fields(value);
  const input = count(given.input_tokens) ?? count(given.prompt_tokens);
  const output = count(given.output_tokens) ?? count(given.completion_tokens);
  return input === undefined && output === undefined ? undefined : { input: input ?? 0, output: output ?? 0 };
};
