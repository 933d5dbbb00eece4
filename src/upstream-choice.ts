/** The settings that choose the upstream, checked one by one; here they are checked together. */
interface UpstreamSettings {
  readonly BACKEND: 'auto' | 'responses' | 'assistants' | 'completions' | 'offline';
  readonly OPENAI_API_KEY: string | undefined;
  readonly OPENAI_BASE_URL: string | undefined;
  readonly OPENAI_ASSISTANT_ID: string | undefined;
  readonly OPENAI_MODEL: string | undefined;
}

/** Where runs go. */
export type Upstream =
  | { readonly kind: 'offline' }
  | ({ readonly kind: 'responses' } & Remote)
  | ({ readonly kind: 'completions' } & Remote)
  | ({ readonly kind: 'assistants'; readonly assistantId: string } & Remote);

interface Remote {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** undefined only on the Assistants wire: the assistant there has its own. */
  readonly model: string | undefined;
  /** OpenAI's or Azure OpenAI's own service, which takes parameters that others may refuse. */
  readonly isOpenAI: boolean;
}

const OPENAI_URL = 'https://api.openai.com/v1';
const DEFAULT_MODEL = 'gpt-6-luna';

const OPENAI_HOSTS =
  /(^|\.)(openai\.com|openai\.azure\.com|services\.ai\.azure\.com|cognitiveservices\.azure\.com)$/;

type Choice =
  | { readonly upstream: Upstream; readonly warnings: readonly string[] }
  | { readonly faults: readonly string[] };

/** Chooses the upstream as the contract's row `BACKEND` says, or tells what stands against it. */
export const chooseUpstream = (given: UpstreamSettings): Choice => {
  const baseUrl = given.OPENAI_BASE_URL ?? OPENAI_URL;
  const isOpenAI = OPENAI_HOSTS.test(new URL(baseUrl).hostname);
  const kind = given.BACKEND === 'auto' ? automatic(given, isOpenAI) : given.BACKEND;
  if (kind === 'offline') {
    return { upstream: { kind }, warnings: [offlineWarning(given)] };
  }
  const faults: string[] = [];
  const warnings: string[] = [];
  if (isOpenAI && !given.OPENAI_API_KEY) {
    faults.push(
      `OPENAI_API_KEY is absent; BACKEND=${kind} at ${new URL(baseUrl).hostname} needs the key of your account`,
    );
  }
  if (isOpenAI && (given.OPENAI_ASSISTANT_ID || kind === 'assistants')) {
    const advice =
      'the Assistants API was shut down there on 2026-08-26; set OPENAI_MODEL (and BACKEND=responses or auto), and the service answers through the Responses API instead';
    if (kind === 'assistants' || !given.OPENAI_MODEL)
      faults.push(`OPENAI_ASSISTANT_ID cannot be used at OpenAI or Azure: ${advice}`);
    else warnings.push(`OPENAI_ASSISTANT_ID is not used: ${advice.split(';')[0]}. OPENAI_MODEL answers.`);
  }
  if (kind === 'completions' && !given.OPENAI_MODEL) {
    faults.push(
      'OPENAI_MODEL is absent; the completions backend takes the name of a model that your server has',
    );
  }
  if (kind === 'assistants' && !isOpenAI && !given.OPENAI_ASSISTANT_ID) {
    faults.push(
      'OPENAI_ASSISTANT_ID is absent; the assistants backend takes the id of an assistant that your server has',
    );
  }
  if (faults.length > 0) return { faults };
  if (!given.OPENAI_API_KEY)
    warnings.push(`No OPENAI_API_KEY is set: ${new URL(baseUrl).hostname} is called without one.`);
  const remote = { baseUrl, apiKey: given.OPENAI_API_KEY, isOpenAI };
  if (kind === 'assistants') {
    const assistantId = given.OPENAI_ASSISTANT_ID ?? '';
    return { upstream: { kind, ...remote, model: given.OPENAI_MODEL, assistantId }, warnings };
  }
  return { upstream: { kind, ...remote, model: given.OPENAI_MODEL ?? DEFAULT_MODEL }, warnings };
};

const automatic = (given: UpstreamSettings, isOpenAI: boolean) => {
  if (!given.OPENAI_API_KEY && !given.OPENAI_BASE_URL) return 'offline';
  if (isOpenAI) return 'responses';
  return given.OPENAI_ASSISTANT_ID ? 'assistants' : 'completions';
};

const offlineWarning = (given: UpstreamSettings): string =>
  given.BACKEND === 'offline'
    ? 'BACKEND=offline: the built-in offline assistant answers, no AI does.'
    : 'No OPENAI_API_KEY and no OPENAI_BASE_URL are set: the built-in offline assistant answers, no AI does.';
