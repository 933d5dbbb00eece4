import { styleText } from 'node:util';
import type { DestinationStream } from 'pino';

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/** @param colours Whether the terminal shows colours. */
export const createPaint = (colours: boolean): Paint =>
  colours ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;

type Fields = Readonly<Record<string, unknown>>;

/** Fields that the line shows in another way, or that only a machine reads. */
const NOT_LISTED = new Set(['level', 'time', 'msg', 'err', 'pid', 'request_id']);
/** An id in full is longer than the rest of the line; its start is enough to find it in the JSON log. */
const ID = /^(?:[0-9a-z]{9}-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}$/;
/** Longest value that is shown. */
const MAX_VALUE = 160;

// The terminal would obey these.
const safe = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (odd) => `\\u${odd.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  );

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return safe(ID.test(text) ? text.replace(/^[0-9a-z]{9}-/, '').slice(0, 8) : text).slice(0, MAX_VALUE);
};

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** The message of an error and of those that caused it, with the first place in our code. */
const errorText = (err: unknown): string => {
  const told: string[] = [];
  for (let error = err; isFields(error) && told.length < 4; error = error.cause) {
    const code = typeof error.code === 'string' ? ` (${error.code})` : '';
    told.push(`${shown(error.message)}${code}`);
  }
  const stack = isFields(err) && typeof err.stack === 'string' ? err.stack : '';
  const at = /[( ]((?:file:\/\/)?\/[^()\n]*\/(?:src|dist)\/[^()\n]+:\d+:\d+)\)?/.exec(stack)?.[1];
  const place = at ? `, at ${at.replace(/^.*\/(?=(src|dist)\/)/, '')}` : '';
  return `${told.join(' ← ') || shown(err)}${place}`;
};

const STATUS_STYLES = [undefined, 'cyan', 'green', 'cyan', 'yellow', 'red'] as const;

const duration = (ms: unknown): string | undefined => {
  if (typeof ms !== 'number') return undefined;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
};

const list = (fields: Fields, without: readonly string[], paint: Paint): string[] =>
  Object.entries(fields)
    .filter(([name, value]) => !NOT_LISTED.has(name) && !without.includes(name) && value != null)
    .map(([name, value]) => {
      if (name === 'ms') return paint('dim', duration(value) ?? '');
      return name === 'visitor' ? shown(value) : `${paint('dim', name)} ${shown(value)}`;
    });

/** `POST /api/chat  200  1.2 s`, with the id that a visitor can quote where the request failed. */
const requestText = (fields: Fields, paint: Paint): string => {
  const { status, method, path } = fields;
  const hundreds = typeof status === 'number' ? Math.floor(status / 100) : 0;
  const parts = [
    `${shown(method).padEnd(4)} ${shown(path)}`,
    paint(STATUS_STYLES[hundreds] ?? 'reset', shown(status)),
    paint('dim', duration(fields.ms) ?? ''),
    ...list(fields, ['method', 'path', 'status', 'ms'], paint),
  ];
  if (hundreds >= 4) parts.push(`${paint('dim', 'request')} ${shown(fields.request_id)}`);
  return parts.join('  ');
};

const marksOf = (level: unknown, paint: Paint): [mark: string, words: (text: string) => string] => {
  if (level === 'warn') return [paint('yellow', '▲'), (text) => paint('yellow', text)];
  if (level === 'error' || level === 'fatal') return [paint('red', '✖'), (text) => paint('red', text)];
  if (level === 'info') return [paint('green', '•'), (text) => text];
  return [paint('dim', '·'), (text) => paint('dim', text)];
};

/** One line for people from a line of the JSON log; what is no such line stays as it is. */
export const prettyLine = (line: string, paint: Paint): string => {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return line;
  }
  if (!isFields(fields)) return line;
  const [mark, words] = marksOf(fields.level, paint);
  const at = typeof fields.time === 'string' ? new Date(fields.time) : new Date();
  const time = paint('dim', at.toLocaleTimeString('en-GB'));
  const text =
    fields.msg === 'request' && fields.method !== undefined
      ? requestText(fields, paint)
      : [words(safe(String(fields.msg ?? ''))), ...list(fields, [], paint)].join('  ');
  const error = fields.err === undefined ? '' : `  ${paint('dim', errorText(fields.err))}`;
  return `${time} ${mark} ${text}${error}\n`;
};

/** Passes the lines of a JSON log on as lines for people. */
export const createPrettyOutput = (output: DestinationStream, paint: Paint): DestinationStream => ({
  write: (line) => output.write(prettyLine(line, paint)),
});
