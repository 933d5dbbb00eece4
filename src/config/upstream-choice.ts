/** The settings that choose an upstream, checked one by one; here they are checked together. */
interface UpstreamSettings {
  readonly backend: 'auto' | 'responses' | 'assistants' | 'completions' | 'offline';
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  readonly assistantId: string | undefined;
  /** The model of the settings. */
  readonly model: string | undefined;
  /** The assistant file, if there is one: it comes before the settings. */
  readonly file: { readonly model: string | undefined } | undefined;
}

/** Where runs go. */
export type Upstream = { readonly kind: 'offline' } | Remote;

export interface Remote {
  readonly kind: 'responses' | 'completions' | 'assistants';
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** The model, where the assistant file names none; undefined only on the Assistants wire, where an assistant has its own. */
  readonly model: string | undefined;
  /** The assistant at the server; undefined: none, or one is made there. */
  readonly assistantId: string | undefined;
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

/**
 * Chooses the upstream as the contract's row `BACKEND` says, or tells what stands against it.
 * @param prefix What the names of the settings begin with: `OPENAI_` or `FALLBACK_`.
 */
export const chooseUpstream = (
  given: UpstreamSettings,
  prefix: 'OPENAI_' | 'FALLBACK_' = 'OPENAI_',
): Choice => {
  const baseUrl = given.baseUrl ?? OPENAI_URL;
  const host = new URL(baseUrl).hostname;
  const isOpenAI = OPENAI_HOSTS.test(host);
  let kind = given.backend === 'auto' ? automatic(given, isOpenAI) : given.backend;
  if (kind === 'offline') return { upstream: { kind }, warnings: [offlineWarning(given)] };

  const hasModel = Boolean(given.model ?? given.file?.model);
  const faults: string[] = [];
  const warnings: string[] = [];
  if (isOpenAI && !given.apiKey) {
    faults.push(`${prefix}API_KEY is absent; the ${kind} backend at ${host} needs the key of your account`);
  }
  if (isOpenAI && (given.assistantId || kind === 'assistants')) {
    const name = given.assistantId
      ? 'OPENAI_ASSISTANT_ID'
      : `${prefix === 'OPENAI_' ? '' : prefix}BACKEND=assistants`;
    const why = 'the Assistants API was shut down there on 2026-08-26';
    if (given.file || given.model) {
      if (kind === 'assistants') kind = 'responses';
      const instead = given.file ? 'the assistant file' : `${prefix}MODEL`;
      const api = kind === 'completions' ? 'Chat Completions' : 'the Responses API';
      warnings.push(`${name} is not used: ${why}. Through ${api} ${instead} answers instead.`);
    } else {
      faults.push(
        `${name} cannot be used at OpenAI or Azure: ${why}; set ASSISTANT_FILE to your exported assistant, or ${prefix}MODEL, and the Responses API answers instead`,
      );
    }
  }
  if (kind === 'completions' && !hasModel) {
    faults.push(
      `${prefix}MODEL is absent; the completions backend takes the name of a model that your server has`,
    );
  }
  if (kind === 'assistants' && !isOpenAI && !given.assistantId && !given.file) {
    faults.push(
      `${prefix === 'OPENAI_' ? 'OPENAI_ASSISTANT_ID' : 'ASSISTANT_FILE'} is absent; the assistants backend takes the id of an assistant that your server has, or an assistant file to make one from`,
    );
  }
  if (faults.length > 0) return { faults };
  if (!given.apiKey) warnings.push(`No ${prefix}API_KEY is set: ${host} is called without one.`);
  const model = given.model ?? (kind === 'assistants' && !given.file ? undefined : DEFAULT_MODEL);
  const { apiKey, assistantId } = given;
  return { upstream: { kind, baseUrl, apiKey, model, assistantId, isOpenAI }, warnings };
};

const automatic = (given: UpstreamSettings, isOpenAI: boolean) => {
  if (!given.apiKey && !given.baseUrl) return 'offline';
  if (isOpenAI) return 'responses';
  return given.assistantId ? 'assistants' : 'completions';
};

const offlineWarning = (given: UpstreamSettings): string =>
  given.backend === 'offline'
    ? 'BACKEND=offline: the built-in offline assistant answers, no AI does.'
    : 'No OPENAI_API_KEY and no OPENAI_BASE_URL are set: the built-in offline assistant answers, no AI does.';
