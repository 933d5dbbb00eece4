import { isIP } from 'node:net';
import type { Config } from '../../config/read-config.ts';
import { about, type Finding } from './finding.ts';

/** Settings that work and are still not what a public site wants. */
export const checkSettings = (
  { settings, upstream, warnings }: Config,
  publicOrigin: string | undefined,
  isProduction: boolean,
): Finding[] => {
  const subject = about('settings');
  const found = warnings.map((warning) => subject.open(warning));
  const findings: Finding[] = warnings.length === 0 ? [subject.good('nothing is left open')] : found;
  const origins = settings.ALLOWED_ORIGINS;
  const plain =
    origins === 'any' ? [] : origins.filter((origin) => /^http:/.test(origin) && !isLocal(origin));
  if (plain.length > 0) {
    findings.push(
      about('origins').open(
        `${plain.join(', ')} without TLS: anyone on the way can read along`,
        'name the https:// origin',
      ),
    );
  }
  const address = about('address');
  if (publicOrigin === undefined) {
    findings.push(
      address.open(
        'PUBLIC_ORIGIN is not set, so the way through your proxy cannot be checked',
        'set it to the address that browsers use, such as https://chat.example.org',
      ),
    );
  } else if (publicOrigin.startsWith('http:') && !isLocal(publicOrigin)) {
    findings.push(
      address.open(
        `${publicOrigin} is without TLS: pages on https may not call it`,
        'put it behind a proxy with a certificate, such as Caddy',
      ),
    );
  }
  if (isProduction && settings.OPS_TOKEN === undefined) {
    findings.push(
      about('operators').open('the operators’ pages are off', 'set OPS_TOKEN (openssl rand -base64 36)'),
    );
  }
  if (settings.DAILY_MESSAGES === null && upstream.kind !== 'offline') {
    findings.push(
      about('budget').open(
        'DAILY_MESSAGES is off: nothing bounds what a bad day costs',
        'set it to a number',
      ),
    );
  }
  return findings;
};

/** Whether an origin is this machine's own. */
export const isLocal = (origin: string): boolean => {
  const { hostname } = new URL(origin);
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return bare === 'localhost' || (isIP(bare) !== 0 && /^(127\.|::1$)/.test(bare));
};
