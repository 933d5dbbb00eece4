/** Function tools: as they are offered, called and answered. */

import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { AnswerTurn } from './answer.ts';
import type { ToolCall, ToolOutput, Transcript } from './transcript.ts';

/** What the model's choice of calls may depend on. */
export interface ToolTurn extends AnswerTurn {
  /** The names of the functions that the request offers; at least one. */
  readonly tools: readonly string[];
  /** How often functions were called already since the last answer: 0 at first. */
  readonly round: number;
}

/**
 * The function calls that the model makes now; none: it answers. Must be a pure function. It is asked only where
 * functions are offered and `tool_choice` is not `none`. Names that were not offered may be called, too.
 */
export type CallTools = (turn: ToolTurn) => readonly ToolCall[];

/** A call with its ids: of the call, and of the item that shows it (Responses wire). */
export interface MadeCall extends ToolCall {
  readonly id: string;
  readonly callId: string;
}

/** What the model does: it calls functions, or it answers. */
export interface Said {
  readonly text: string;
  readonly calls: readonly MadeCall[];
}

/** The functions that a request offers. */
export interface Offer {
  readonly names: readonly string[];
  /** Several may be called at once. */
  readonly parallel: boolean;
}

/** What has become of the functions that were called since the last answer. */
export interface Progress {
  readonly round: number;
  readonly outputs: readonly ToolOutput[];
}

export const NO_PROGRESS: Progress = { round: 0, outputs: [] };

type Named = { readonly type: string; readonly name?: unknown; readonly function?: unknown };

const nameIn = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined;

/** A tool, kept as it came; of a function the name is demanded, at the place where this wire has it. */
const tool = <T extends { readonly type: string }>(path: readonly ['name'] | readonly ['function', 'name']) =>
  z.custom<T>().check(({ value, issues }) => {
    const given: Named | null = typeof value === 'object' ? value : null;
    const missing = (...at: string[]) =>
      issues.push({ code: 'invalid_type', expected: 'string', input: undefined, path: at });
    if (typeof given?.type !== 'string') missing('type');
    else if (given.type === 'function') {
      const name = path.length === 1 ? given.name : nameIn(given.function);
      if (typeof name !== 'string') missing(...path);
    }
  });

/** The tools of the Responses wire: `{type, name, parameters}`. */
export const ResponseTools = z.array(tool<OpenAI.Responses.Tool>(['name'])).max(128);
/** The tools of the Assistants wire: `{type, function: {name, parameters}}`. */
export const AssistantTools = z.array(tool<OpenAI.Beta.AssistantTool>(['function', 'name'])).max(128);
/** The tools of the Chat Completions wire, in the same shape. */
export const CompletionTools = z.array(tool<OpenAI.ChatCompletionTool>(['function', 'name'])).max(128);

/** The functions among the tools that a request offers; undefined where none may be called. */
export const offerOf = (
  tools: readonly Named[] | null | undefined,
  choice: unknown,
  parallel: boolean | null | undefined,
): Offer | undefined => {
  if (!tools?.length || choice === 'none') return undefined;
  const names = tools
    .filter(({ type }) => type === 'function')
    .map((given) => given.name ?? nameIn(given.function))
    .filter((name) => typeof name === 'string');
  return names.length === 0 ? undefined : { names, parallel: parallel ?? true };
};

/** The calls of a transcript that no output belongs to, oldest first. */
export const unansweredIn = (transcript: Transcript): string[] => {
  if (!transcript.usesTools) return [];
  const open = new Set<string>();
  for (const entry of transcript.entries) {
    if (entry.kind === 'call') open.add(entry.callId);
    else if (entry.kind === 'output') open.delete(entry.callId);
  }
  return [...open];
};

/** What was called and came back since the last answer of a transcript. Calls that follow each other are one round. */
export const progressOf = (transcript: Transcript): Progress => {
  if (!transcript.usesTools) return NO_PROGRESS;
  const { entries } = transcript;
  const answered = entries.findLastIndex(
    (entry) => entry.kind === undefined && entry.role === 'assistant' && entry.phase !== 'commentary',
  );
  const calls = new Map<string, ToolCall>();
  const outputs: ToolOutput[] = [];
  let round = 0;
  let calling = false;
  for (const entry of entries.slice(answered + 1)) {
    if (entry.kind === 'call') {
      calls.set(entry.callId, entry);
      if (!calling) round += 1;
    } else if (entry.kind === 'output') {
      const { callId, text: output } = entry;
      const { name, arguments: given } = calls.get(callId) ?? { name: '', arguments: '' };
      outputs.push({ callId, name, arguments: given, output });
    }
    calling = entry.kind === 'call';
  }
  return { round, outputs };
};
