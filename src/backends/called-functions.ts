import { randomBytes } from 'node:crypto';
import { count, fields, json, list, text } from './lenient.ts';
import type { ToolCall } from './tool-rounds.ts';
import { RunFailed } from './upstream-fault.ts';

/** The most functions that a model may call at once; how many of them are really called is decided elsewhere. */
const MAX_CALLS = 128;

/** A call with what came with it: some models want all of it back. */
export interface CalledFunction extends ToolCall {
  readonly extra: Readonly<Record<string, unknown>>;
}

interface Begun {
  index: number | undefined;
  id: string | undefined;
  name: string;
  arguments: string;
  extra: Record<string, unknown>;
}

/** The functions that a chat completion calls, put together from the pieces of its stream. */
export interface CalledFunctions {
  /** @param pieces `tool_calls` of a delta, or of a whole message. */
  add(pieces: unknown): void;
  /** All of them, each with an id. */
  all(): readonly CalledFunction[];
}

/** An id of our own where the server gave none: nine letters and digits, which the strictest servers take. */
export const newCallId = (): string => randomBytes(5).toString('hex').slice(0, 9);

export const createCalledFunctions = (): CalledFunctions => {
  const calls: Begun[] = [];

  const begun = (piece: Readonly<Record<string, unknown>>, place: number, of: number): Begun | undefined => {
    const index = count(piece.index);
    const id = text(piece.id);
    const called = text(fields(piece.function).name);
    const known =
      index !== undefined
        ? calls.findLast((call) => call.index === index)
        : id !== undefined
          ? calls.findLast((call) => call.id === id)
          : calls[Math.max(0, calls.length - of) + place];
    if (!known) return undefined;
    // Some servers give every parallel call the same index: a new id or a new name is a new call.
    if (id !== undefined && known.id !== undefined && id !== known.id) return undefined;
    if (called === undefined || known.name === '') return known;
    if (called !== known.name) return undefined;
    // The name again: a second call of the same function, where the first is whole. With an id it may be said again of
    // the first, where it brings no arguments.
    const isMore = id === undefined || (json(fields(piece.function).arguments) ?? '').trim() !== '';
    return isMore && isJson(known.arguments) ? undefined : known;
  };

  return {
    add: (given) => {
      const pieces = list(given).map(fields);
      for (const [place, piece] of pieces.entries()) {
        let call = begun(piece, place, pieces.length);
        if (!call) {
          if (calls.length >= MAX_CALLS)
            throw new RunFailed(`more than ${MAX_CALLS} functions are called at once`);
          call = { index: count(piece.index), id: undefined, name: '', arguments: '', extra: {} };
          calls.push(call);
        }
        const { index: _index, id, type: _type, function: called, ...extra } = piece;
        call.id ??= text(id);
        call.name ||= text(fields(called).name) ?? '';
        call.arguments += json(fields(called).arguments) ?? '';
        Object.assign(call.extra, extra);
      }
    },
    all: () => {
      const ids = new Set<string>();
      for (const call of calls) {
        // A result is matched to its call by the id, so that two calls cannot share one.
        if (call.id === undefined || ids.has(call.id)) call.id = newCallId();
        ids.add(call.id);
      }
      return calls.map(({ id = '', name, arguments: given, extra }) => ({
        callId: id,
        name,
        arguments: given,
        extra,
      }));
    },
  };
};

const isJson = (given: string): boolean => {
  try {
    JSON.parse(given);
    return true;
  } catch {
    return false;
  }
};
