import { describe, expect, it } from 'vitest';
import { readConfig, secretsIn } from '../../src/config/read-config.ts';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { faultsOf } from '../helpers/settings.ts';
import { type Name, OTHER, ROWS } from './setting-examples.ts';

const names = Object.keys(ROWS).filter((name): name is Name => Object.hasOwn(SETTINGS, name));

/** An upstream that suits every value of the other settings. */
const LOCAL = {
  OPENAI_BASE_URL: 'http://localhost:8000/v1',
  OPENAI_MODEL: 'm',
  OPENAI_ASSISTANT_ID: 'asst_1',
  FALLBACK_BASE_URL: 'http://localhost:9000/v1',
  FALLBACK_MODEL: 'm',
  SESSION_SECRET: OTHER,
  PRICES: '*=1/4',
};

describe('the settings', () => {
  it('are all in this table', () => {
    expect(names.toSorted()).toEqual(Object.keys(SETTINGS).toSorted());
  });

  it.each(names)('%s has its default where it is absent or empty', (name) => {
    expect(readConfig({}).settings[name]).toEqual(ROWS[name].absent);
    expect(readConfig({ [name]: '' }).settings[name]).toEqual(ROWS[name].absent);
  });

  it.each(names.flatMap((name) => ROWS[name].good.map(([text, value]) => ({ name, text, value }))))(
    '$name takes $text',
    ({ name, text, value }) => {
      expect(readConfig({ ...LOCAL, [name]: text }).settings[name]).toEqual(value);
    },
  );

  it.each(names.flatMap((name) => ROWS[name].bad.map((text) => ({ name, text }))))(
    '$name does not take $text, and says what it was given and what it takes',
    ({ name, text }) => {
      const faults = faultsOf({ ...LOCAL, OPENAI_API_KEY: 'k', [name]: text });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(new RegExp(`^${name} is `));
      expect(faults[0]?.endsWith(`; it takes ${SETTINGS[name].takes}`)).toBe(true);
      const isSecret = 'secret' in SETTINGS[name];
      if (isSecret) expect(faults[0]).not.toContain(text);
      else if (!/[@?]/.test(text)) expect(faults[0]).toContain(JSON.stringify(text.slice(0, 100)));
    },
  );

  it('that are secrets tell which of their characters no keyboard has typed', () => {
    const faults = faultsOf({ OPENAI_API_KEY: 'sk-secret\u200B' });
    expect(faults[0]).toMatch(
      /^OPENAI_API_KEY is a text of 10 characters, of which number 10 is U\+200B; it /,
    );
  });

  it('that are bad are listed in one message, all of them, and no secret with them', () => {
    const bad = Object.fromEntries(names.map((name) => [name, ROWS[name].bad[0] ?? '']));
    const faults = faultsOf(bad);
    // The rules that look at several settings may add to it.
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(expect.arrayContaining(names));
    const told = faults.join('\n');
    for (const secret of ['sk-secret', 'too-short-secret']) expect(told).not.toContain(secret);
  });

  it.each([
    'https://user:hunter2@host.example/v1',
    'https://user:hun/ter2@host.example/hunter2@x',
    'https://host.example/v1?api_key=hunter2',
  ])('never show what may be secret in a URL: %s', (url) => {
    expect(faultsOf({ OPENAI_BASE_URL: url }).join()).not.toMatch(/ter2/);
  });

  it('ask for a common secret where many processes share a database', () => {
    expect(faultsOf({ DATABASE_URL: 'postgres://localhost/chat' })).toEqual([
      expect.stringMatching(/^SESSION_SECRET must be set where DATABASE_URL is/),
    ]);
  });

  it('that are secrets are blotted out of the log, the password in a URL, too', () => {
    const url = 'postgres://me:pass%20word@localhost/chat';
    const { settings } = readConfig({ ...LOCAL, DATABASE_URL: url, OPENAI_API_KEY: 'sk-1' });
    expect(secretsIn(settings)).toEqual(expect.arrayContaining([url, 'pass%20word', 'pass word', 'sk-1']));
  });

  it('that are refused bring no advice that follows from them', () => {
    const env = { OPENAI_BASE_URL: 'localhost:11434/v1', BACKEND: 'completions' };
    expect(faultsOf(env)).toEqual([expect.stringMatching(/^OPENAI_BASE_URL is /)]);
  });
});
