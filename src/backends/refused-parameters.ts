import type { Logger } from '../chat/ports.ts';
import { fields, list, text } from './lenient.ts';
import { isContextFull } from './overflow.ts';
import { faultOf, type UpstreamFault } from './upstream-fault.ts';

/** A request's fields, whichever wire it is for. */
export type Body = Readonly<Record<string, unknown>>;

/** Without these the assistant is another one: they are left out only for a model that does not know them at all. */
const IF_UNSUPPORTED: ReadonlySet<string> = new Set(['tools', 'response_format', 'text']);
const UNSUPPORTED = /not support|unsupported|un(known|recogni[sz]ed)|not (permitted|allowed)|\bextra\b/i;

/** What an answer can do without, and its other name where it has one. */
const DISPENSABLE: Readonly<Record<string, string | undefined>> = {
  stream_options: undefined,
  max_tokens: 'max_completion_tokens',
  max_completion_tokens: 'max_tokens',
  max_output_tokens: undefined,
  temperature: undefined,
  top_p: undefined,
  reasoning_effort: undefined,
  reasoning: undefined,
  safety_identifier: undefined,
  metadata: undefined,
  response_format: undefined,
  text: undefined,
  tools: undefined,
};

/** Fields that some servers send with a call and others refuse to receive back. */
const TOLD_BACK = /\b(reasoning\w*|extra_content|thinking\w*|signature)\b/;

const IN_MESSAGES = 'messages.';

const SYSTEM_ROLE = 'the system role';
const REFUSED_ROLE =
  /\bsystem\b.{0,40}\b(role|message)|\brole\b.{0,40}\bsystem\b|roles must alternate|only user and \w+ roles|developer instruction/i;
const MESSAGE_PARAM = /^messages\b/;

/** Words by which a parameter that is named is refused. */
const REFUSES =
  /not (supported|support|permitted|allowed|recogni[sz]ed|accepted|valid)|unsupported|un(known|recogni[sz]ed|expected)|extra|forbidden|deprecated|does(n't| not) (support|accept|work)|invalid|instead|only the default|may only|can(not|'t)|too large|must be/i;

/** What a server has refused, in this process. */
export interface RefusedParameters {
  /** The body without what the server is known to refuse for this model. */
  without(body: Body): Body;
  /** Learns from a refusal. @returns Whether it named something that the body can do without. */
  learn(thrown: unknown, body: Body): boolean;
}

export const createRefusedParameters = (logger: Logger): RefusedParameters => {
  const refused = new Map<string, Set<string>>();
  const of = (body: Body): Set<string> => {
    const model = text(body.model) ?? '';
    const known = refused.get(model) ?? new Set();
    refused.set(model, known);
    return known;
  };

  const learn = (thrown: unknown, body: Body): boolean => {
    const fault = faultOf(thrown);
    const name = fault && !isContextFull(thrown) ? refusedIn(fault, body) : undefined;
    const known = of(body);
    if (name === undefined || known.has(name)) return false;
    known.add(name);
    logger.warn(
      { model: body.model, parameter: name },
      'the upstream refuses a parameter: from now on it is left out, or goes by its other name',
    );
    return true;
  };

  return { without: (body) => leaveOut(body, of(body)), learn };
};

const refusedIn = (fault: UpstreamFault, body: Body): string | undefined => {
  const { status, param, message } = fault;
  if (status !== 400 && status !== 422) return undefined;
  const present = Object.keys(DISPENSABLE)
    .filter((name) => body[name] !== undefined)
    .filter((name) => !IF_UNSUPPORTED.has(name) || UNSUPPORTED.test(message));
  const named = present.find((name) => param !== undefined && new RegExp(`^${name}\\b`).test(param));
  if (named !== undefined) return named;
  if (hasSystemRole(body) && (REFUSED_ROLE.test(message) || /^messages\W*0\W*role/.test(param ?? '')))
    return SYSTEM_ROLE;
  if (!REFUSES.test(message)) return undefined;
  const back = TOLD_BACK.exec(`${param ?? ''} ${message}`)?.[0];
  if (back !== undefined && list(body.messages).some((told) => toldBack(told).includes(back)))
    return `${IN_MESSAGES}${back}`;
  if (param !== undefined && !MESSAGE_PARAM.test(param)) return undefined;
  return present.find((name) => new RegExp(`\\b${name}\\b`).test(message));
};

const hasSystemRole = (body: Body): boolean =>
  list(body.messages).some((message) => fields(message).role === 'system');

/** Fields of an assistant's message, and of its calls, that are no part of the wire's own. */
const toldBack = (message: unknown): string[] => [
  ...Object.keys(fields(message)),
  ...list(fields(message).tool_calls).flatMap((call) => Object.keys(fields(call))),
];

const leaveOut = (body: Body, refused: ReadonlySet<string>): Body => {
  let left = body;
  for (const name of refused) {
    const other = DISPENSABLE[name];
    const { [name]: value, ...rest } = left;
    if (name === SYSTEM_ROLE) left = { ...left, messages: withoutSystem(list(left.messages)) };
    else if (name.startsWith(IN_MESSAGES)) {
      const field = name.slice(IN_MESSAGES.length);
      left = { ...left, messages: list(left.messages).map((message) => withoutField(message, field)) };
    } else if (value === undefined) continue;
    else
      left = other === undefined || other in rest || refused.has(other) ? rest : { ...rest, [other]: value };
  }
  return left;
};

const withoutField = (message: unknown, name: string): unknown => {
  const { [name]: _refused, ...rest } = fields(message);
  if (rest.tool_calls === undefined) return rest;
  const calls = list(rest.tool_calls).map((call) => {
    const { [name]: _theirs, ...kept } = fields(call);
    return kept;
  });
  return { ...rest, tool_calls: calls };
};

/** Instructions go before the first message of the visitor's where they may not be a message of their own. */
const withoutSystem = (messages: readonly unknown[]): unknown[] => {
  const system = messages.map(fields).filter(({ role }) => role === 'system');
  const rest = messages.map(fields).filter(({ role }) => role !== 'system');
  const told = system.map(({ content }) => text(content) ?? '').join('\n\n');
  const [first, ...others] = rest;
  return first ? [{ ...first, content: `${told}\n\n${text(first.content) ?? ''}` }, ...others] : rest;
};
