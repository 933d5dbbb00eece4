import { APIConnectionError, type OpenAI } from 'openai';
import { z } from 'zod';
import { createHttpClient, type Proxies } from '../../backends/http-client.ts';
import { createClient } from '../../backends/upstream.ts';
import { faultOf } from '../../backends/upstream-fault.ts';
import type { Remote } from '../../config/upstream-choice.ts';
import { about, type Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** From how many days on the end of a model is a reason to act. */
const NOTICE_DAYS = 90;
const ANSWER_WITHIN_MS = 15_000;
/** Models that are named where the one that is asked for is not there. */
const MAX_NAMES = 5;
/** A clock that is this far off ends tokens too early or too late. */
const MAX_SKEW_MS = 30_000;

const modelEntry = z.looseObject({ id: z.string(), shutdown_date: z.iso.date().nullish() });

interface UpstreamCheck {
  readonly upstream: Remote;
  /** What its settings begin with. */
  readonly prefix: 'OPENAI_' | 'FALLBACK_';
  /** The model that runs ask for; undefined on the Assistants wire, where the server's assistant has its own. */
  readonly model: string | undefined;
  readonly proxies: Proxies;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Whether an upstream can be reached, takes the key and has the model, and whether it agrees on the time. */
export const checkUpstream = async (check: UpstreamCheck): Promise<Finding[]> => {
  const { upstream, prefix, model, proxies } = check;
  const http = createHttpClient(proxies);
  const client = createClient({ ...upstream, http });
  const signal = AbortSignal.any([check.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
  const { host } = new URL(upstream.baseUrl);
  const isFirst = prefix === 'OPENAI_';
  const key = about(isFirst ? 'key' : 'second key');
  const subject = about(isFirst ? 'model' : 'second model');
  try {
    if (upstream.assistantId !== undefined) {
      await client.beta.assistants.retrieve(upstream.assistantId, { signal });
      return [key.good(`${host} takes it, and has ${upstream.assistantId}`)];
    }
    const { data, response } = await client.models.retrieve(model ?? '', { signal }).withResponse();
    const clock = checkClock(response.headers.get('date'), host, check.now());
    // A page answers any address.
    const entry = modelEntry.safeParse(data);
    if (!entry.success)
      return [subject.failed(`${upstream.baseUrl} answers, but not like an API`, urlAdvice(prefix))];
    const taken = upstream.apiKey === undefined ? `${host} asks for none` : `${host} takes it`;
    return [key.good(taken), endOf(entry.data, subject, `${prefix}MODEL`, check.now()), ...clock];
  } catch (thrown) {
    check.signal.throwIfAborted();
    return refused(thrown, check, client, signal);
  } finally {
    http.close();
  }
};

const urlAdvice = (prefix: string): string =>
  `set ${prefix}BASE_URL to the address of the API, such as https://api.groq.com/openai/v1`;

const endOf = (
  { id, shutdown_date: date }: z.infer<typeof modelEntry>,
  subject: ReturnType<typeof about>,
  setting: string,
  now: number,
): Finding => {
  if (!date) return subject.good(`${id} is there`);
  const days = Math.ceil((Date.parse(date) - now) / DAY_MS);
  const advice = `set ${setting}, or "model" in the assistant file, to another`;
  if (days <= 0) return subject.failed(`${id} was shut down on ${date}`, advice);
  const seen = `${id} is there until ${date} (${days} days)`;
  return days > NOTICE_DAYS ? subject.good(seen) : subject.open(seen, `${advice} in time`);
};

const refused = async (
  thrown: unknown,
  { upstream, prefix, model }: UpstreamCheck,
  client: OpenAI,
  signal: AbortSignal,
): Promise<Finding[]> => {
  const { host } = new URL(upstream.baseUrl);
  const isFirst = prefix === 'OPENAI_';
  const key = about(isFirst ? 'key' : 'second key');
  const subject = about(isFirst ? 'model' : 'second model');
  const fault = faultOf(thrown);
  if (fault?.status === undefined) {
    const why = signal.aborted ? 'does not answer' : `cannot be reached (${causeOf(thrown)})`;
    return [key.failed(`${host} ${why}`, `is ${prefix}BASE_URL right, and is the server running?`)];
  }
  if (fault.status === 401 || fault.status === 403) {
    const advice =
      upstream.apiKey === undefined
        ? `set ${prefix}API_KEY`
        : `set ${prefix}API_KEY to one that is valid there`;
    return [key.failed(`${host} refuses it (${fault.status})`, advice)];
  }
  if (fault.status === 404 && upstream.assistantId !== undefined) {
    return [
      subject.failed(
        `${host} has no assistant ${upstream.assistantId}`,
        'set OPENAI_ASSISTANT_ID to one that it has',
      ),
    ];
  }
  if (fault.status === 404) {
    const names = await namesAt(client, signal);
    if (names === undefined) {
      return [subject.skipped(`${host} does not list models, so it cannot be known whether it has ${model}`)];
    }
    const some = names.slice(0, MAX_NAMES).join(', ');
    const more = names.length > MAX_NAMES ? `, … (${names.length})` : '';
    return [
      key.good(`${host} takes it`),
      subject.failed(`${host} has no ${model}`, `set ${prefix}MODEL to one that it has: ${some}${more}`),
    ];
  }
  return [subject.skipped(`${host} answers ${fault.status} to GET /models/${model}`)];
};

const namesAt = async (client: OpenAI, signal: AbortSignal): Promise<string[] | undefined> => {
  try {
    const page = await client.models.list({ signal });
    const names = z
      .array(modelEntry)
      .parse(page.data)
      .map(({ id }) => id);
    return names.length > 0 ? names.toSorted() : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
};

const checkClock = (date: string | null, host: string, now: number): Finding[] => {
  const clock = about('clock');
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return [];
  const skew = Math.abs(now - theirs);
  if (skew <= MAX_SKEW_MS) return [clock.good(`agrees with ${host}'s`)];
  return [
    clock.failed(
      `differs from ${host}'s by ${Math.round(skew / 1_000)} s`,
      'let the system set it (timedatectl set-ntp true): session tokens and budgets go by it',
    ),
  ];
};

/** What the network said: `ECONNREFUSED`, `ENOTFOUND`, …. */
const causeOf = (thrown: unknown): string => {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    if ('code' in error && typeof error.code === 'string') return error.code;
  }
  return thrown instanceof APIConnectionError ? 'no connection' : 'no proper answer';
};
