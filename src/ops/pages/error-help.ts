/** What each failure of a turn means, and what an operator can do. */
const HELP: Record<string, readonly [means: string, todo: string]> = {
  upstream_unreachable: [
    'The assistant’s server could not be reached.',
    'Check OPENAI_BASE_URL, the network and the provider’s status page. A FALLBACK_* upstream would have answered.',
  ],
  upstream_unauthorized: [
    'The assistant’s server refused the key.',
    'Check OPENAI_API_KEY: whether it is valid, belongs to this server, and may use this model.',
  ],
  upstream_rejected: [
    'The assistant’s server did not take the request, or ended it before the first word.',
    'Look at the service’s log at LOG_LEVEL=debug for this exchange: a parameter, the model’s name or a content filter.',
  ],
  upstream_failed: [
    'The assistant’s server failed while answering.',
    'One now and then is normal. Many together: see the provider’s status page, or set a FALLBACK_* upstream.',
  ],
  upstream_busy: [
    'The assistant’s server was over its limit, after three tries.',
    'Raise the limit or quota of the account, lower RATE_LIMIT, or set a FALLBACK_* upstream.',
  ],
  upstream_timeout: [
    'The answer was not there within RUN_TIMEOUT, or the stream fell silent for STREAM_IDLE_TIMEOUT.',
    'Slow models need larger values. Many together: see the provider’s status page.',
  ],
  thread_busy: [
    'Too many earlier messages were still being answered.',
    'Raise MAX_WAITING if this is not abuse.',
  ],
  overloaded: [
    'The service had MAX_LIVE_TURNS answers in the making.',
    'Raise it, or start more processes on Postgres.',
  ],
  budget_spent: [
    'A daily budget was used up.',
    'See DAILY_MESSAGES, DAILY_TOKENS and DAILY_COST in Settings.',
  ],
  log_unavailable: [
    'The exchange could not be written.',
    'Look at the disk or the database; the service’s log says what failed.',
  ],
  shutting_down: [
    'The service stopped while this was being answered.',
    'Raise SHUTDOWN_TIMEOUT if restarts cut off answers often.',
  ],
  internal_error: [
    'The service failed, or was killed while this was being answered.',
    'Look at the service’s log for this exchange. If it repeats, report it.',
  ],
};

/** @param code The error code of a failed turn. */
export const errorHelp = (code: string): { readonly means: string; readonly todo: string } => {
  const [means = 'The turn failed.', todo = 'Look at the service’s log for this exchange.'] =
    HELP[code] ?? [];
  return { means, todo };
};

/** The codes that a turn can fail with, for the filter. */
export const FAILURE_CODES = Object.keys(HELP);
