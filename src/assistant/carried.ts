import type { AssistantDefinition, FunctionTool } from './definition.ts';

/** What a definition becomes on a wire. */
export interface Carried<Fields> {
  /** Fields of the wire's requests, in the words of the SDK's own types. */
  readonly fields: Fields;
  /** What the wire cannot carry, a sentence each: to be logged once, not silently left out. */
  readonly dropped: readonly string[];
}

/** What the settings add where the file is silent. */
export interface CarryOptions {
  /** `OPENAI_MODEL` or its default. */
  readonly model: string | undefined;
}

/** The same fields, those that may be absent also as undefined. */
type OrUndefined<T> = { [K in keyof T]: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K] };

/**
 * The fields without those that are undefined: the SDK's types tell an absent field from an undefined one.
 * Name the type, `compact<Fields>({…})`, so that a field that the wire does not have is refused by the compiler.
 */
export function compact<T extends object>(fields: OrUndefined<T>): T;
export function compact(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** An export carries empty lists and objects where nothing was set; they are not sent. */
export const orAbsent = <T extends object>(value: T | undefined): T | undefined =>
  value !== undefined && Object.keys(value).length > 0 ? value : undefined;

/** A function tool in the nested form of the Assistants and Chat Completions wires. */
export const nestedFunction = ({ function: { name, description, parameters, strict } }: FunctionTool) => ({
  type: 'function' as const,
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(strict === undefined ? {} : { strict }),
  },
});

type Auto = { readonly type: 'auto' };
type Format = Exclude<NonNullable<AssistantDefinition['response_format']>, Auto>;

/** The response format, absent where it is `auto`: the default of every wire. */
export const formatOf = ({ response_format: format }: AssistantDefinition): Format | undefined =>
  format === undefined || format.type === 'auto' ? undefined : format;
