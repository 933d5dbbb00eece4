import { APIConnectionError } from 'openai';
import type { Logger } from '../chat/ports.ts';
import { AppError } from '../errors.ts';
import { PageInstead } from './event-stream.ts';
import { isContextFull } from './overflow.ts';
import { faultOf, isKeyRefused, isModelGone, isUnpaid } from './upstream-fault.ts';

/** How an upstream was set up, for sentences that say what to look at. */
export interface Setup {
  readonly kind: string;
  readonly baseUrl: string;
  /** What the names of its settings begin with: `OPENAI_` or `FALLBACK_`. */
  readonly prefix: 'OPENAI_' | 'FALLBACK_';
}

/** Tells operators what to change where an upstream fails because of how it is set up: each thing once. */
export interface Adviser {
  /**
   * @param probed The path below the base URL of a call that many servers do not know: that it is not there says nothing.
   */
  onFailure(thrown: unknown, probed?: string): void;
  /** An answer was cut short before its first word. */
  onSilentCut(): void;
}

interface Advice {
  readonly about: string;
  readonly sentence: string;
}

export const createAdviser = (setup: Setup, logger: Logger): Adviser => {
  const told = new Set<string>();
  const tell = ({ about, sentence }: Advice, details: object): void => {
    if (told.has(about)) return;
    told.add(about);
    logger.warn({ backend: setup.kind, ...details }, sentence);
  };
  return {
    onFailure: (thrown, probed) => {
      const cause = thrown instanceof AppError ? thrown.cause : thrown;
      const advice = adviceOn(cause, setup, probed !== undefined);
      if (advice) tell(advice, detailsOf(cause, setup, probed));
    },
    onSilentCut: () =>
      tell(
        {
          about: 'MAX_ANSWER_TOKENS',
          sentence:
            'an answer was cut short before its first word: thinking uses up MAX_ANSWER_TOKENS; raise it, or lower reasoning_effort',
        },
        {},
      ),
  };
};

const adviceOn = (cause: unknown, { baseUrl, prefix }: Setup, isProbe: boolean): Advice | undefined => {
  const base = `${prefix}BASE_URL`;
  const advice = (about: string, sentence: string): Advice => ({ about, sentence });
  const fault = faultOf(cause);
  const isPage = cause instanceof PageInstead || fault?.type === 'web_page';
  const isMissing = fault?.status === 404 || fault?.status === 405;
  if ((isPage || isMissing) && /\/(chat\/completions|responses|threads|models)\/?$/.test(pathOf(baseUrl)))
    return advice(
      base,
      `${base} takes the address before /chat/completions, such as https://llm.example.org/v1`,
    );
  if (fault && isModelGone(fault))
    return advice(
      'model',
      `the upstream does not have the model: look at ${prefix}MODEL and at the assistant file's model`,
    );
  if (isProbe && isMissing) return undefined;
  if (isPage)
    return advice(
      base,
      `a web page answers instead of the API: ${base} takes the API's address, which mostly ends in /v1`,
    );
  if (fault?.status !== undefined && fault.status >= 300 && fault.status < 400)
    return advice(
      base,
      `the upstream redirects, which is not followed: set ${base} to the address where it leads`,
    );
  if (isMissing && !/\b(thread|conversation|assistant|run)/i.test(fault.message))
    return advice(base, `the upstream does not know this address: ${base} mostly ends in /v1`);
  if (fault && isUnpaid(fault))
    return advice('account', 'the account at the upstream has run dry: look at its billing page');
  if (fault && isKeyRefused(fault))
    return advice('key', `the upstream refuses the key: look at ${prefix}API_KEY`);
  if (isContextFull(cause))
    return advice(
      'context',
      'a message was too long for the model even without history: lower MAX_MESSAGE_CHARS, shorten the instructions, or give the model a longer context',
    );
  if (cause instanceof APIConnectionError)
    return advice(
      'connection',
      `the upstream cannot be reached: is ${base} right, and is the server running?`,
    );
  if (fault?.param !== undefined)
    return advice(
      `param ${clean(fault.param)}`,
      'the upstream refuses a parameter: look at the assistant file',
    );
  return undefined;
};

const detailsOf = (cause: unknown, { baseUrl }: Setup, path: string | undefined): object => {
  const fault = faultOf(cause);
  const called = cause instanceof Error && 'path' in cause ? String(cause.path) : path;
  return {
    path: clean(`${pathOf(baseUrl)}${called ?? ''}`),
    ...(fault?.status === undefined ? {} : { status: fault.status }),
    ...(fault?.param === undefined ? {} : { param: clean(fault.param) }),
    code: clean(fault?.code ?? connectionCode(cause) ?? ''),
  };
};

/** What the network said: `ECONNREFUSED`, `ENOTFOUND`, …. */
const connectionCode = (thrown: unknown): string | undefined => {
  for (let cause: unknown = thrown, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    depth += 1;
  }
  return undefined;
};

const pathOf = (url: string): string => new URL(url).pathname.replace(/\/$/, '');

/** An upstream's own words may go into one line of the log, and not be long. */
const clean = (said: string): string => said.replace(/[^\x20-\x7E]/g, '').slice(0, 200);
