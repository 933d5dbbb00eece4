import { z } from 'zod';
import type { SettingValues } from '../../config/settings-table.ts';
import { start } from '../../service.ts';
import type { Environment } from '../command.ts';
import { about, type Finding } from './finding.ts';

const LOOK_MS = 3_000;
const health = z.object({ status: z.literal('ok') });
const readiness = z.object({
  status: z.string(),
  reason: z.string().optional(),
  notes: z.array(z.string()).optional(),
});

/** The service as this machine reaches it. */
export interface LocalService {
  readonly url: string;
  readonly findings: readonly Finding[];
  stop(): Promise<void>;
}

/** The service that runs here already, or else one that is started for the checks. @throws Error why it cannot be. */
export const localService = async (
  env: Environment,
  { HOST, PORT }: SettingValues,
): Promise<LocalService> => {
  const subject = about('service');
  const host = HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST.includes(':') ? `[${HOST}]` : HOST;
  const url = `http://${host}:${PORT}`;
  if (PORT !== 0 && (await isThere(url))) {
    return { url, findings: [subject.good(`runs at ${url}`), ...(await ready(url))], stop: async () => {} };
  }
  const service = await start({ env, log: { write: () => undefined } });
  return {
    url: service.url,
    findings: [subject.good(`starts, at ${service.url}`), ...(await ready(service.url))],
    stop: () => service.stop(),
  };
};

const look = (url: string): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(LOOK_MS) });

const isThere = async (url: string): Promise<boolean> => {
  try {
    return health.safeParse(await (await look(`${url}/healthz`)).json()).success;
  } catch {
    return false;
  }
};

const ready = async (url: string): Promise<Finding[]> => {
  const subject = about('ready');
  const told = readiness.safeParse(await (await look(`${url}/readyz`)).json()).data;
  if (told?.status !== 'ok') {
    return [subject.failed(told?.reason ?? 'it does not say so', 'the service’s log says why')];
  }
  return (told.notes ?? []).map((note) => subject.open(note, 'look at the upstream, or set another'));
};
