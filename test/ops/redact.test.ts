import { describe, expect, it } from 'vitest';
import { createRedact, KINDS } from '../../src/ops/redact/redact.ts';
import { HITS, NON_HITS } from './redact-examples.ts';

/** What is masked, whole. */

const redact = createRedact(KINDS);

describe('redaction', () => {
  it('has tables of at least 100 hits and 100 non-hits', () => {
    expect(Object.values(HITS).flat().length).toBeGreaterThanOrEqual(100);
    expect(NON_HITS.length).toBeGreaterThanOrEqual(100);
  });

  it.each(Object.entries(HITS).flatMap(([kind, texts]) => texts.map((text) => [kind, text] as const)))(
    'masks the %s %s wherever it stands in a sentence',
    (kind, text) => {
      for (const [before, after] of [
        ['', ''],
        ['It is ', '.'],
        ['(', ')'],
        ['one: ', ', and more'],
        ['Größe „', '“?'],
        ['a\n', '\nb'],
      ]) {
        expect(redact(`${before}${text}${after}`)).toBe(`${before}[${kind}]${after}`);
      }
    },
  );

  it.each(NON_HITS)('leaves %s alone', (text) => {
    for (const whole of [text, `It is ${text}.`, `(${text})`]) expect(redact(whole)).toBe(whole);
  });

  it('masks a bare number where the words before it say that it is a telephone', () => {
    for (const words of [
      'Tel. ',
      'phone: ',
      'my mobile is ',
      'Call me at ',
      'Telefon: ',
      'WhatsApp ',
      '电话',
    ]) {
      expect(redact(`${words}0612345678`)).toBe(`${words}[phone]`);
    }
  });

  it('masks several in one text, and a masked text no further', () => {
    const text =
      'Ann (ann@example.org, +49 30 1234567) paid 4111 1111 1111 1111 from DE89 3704 0044 0532 0130 00 at 8.8.8.8';
    const masked = 'Ann ([email], [phone]) paid [card] from [iban] at [ip]';
    expect(redact(text)).toBe(masked);
    expect(redact(masked)).toBe(masked);
  });

  it('masks only what is asked for', () => {
    expect(createRedact(['email'])('ann@example.org 8.8.8.8')).toBe('[email] 8.8.8.8');
    expect(createRedact([])('ann@example.org')).toBe('ann@example.org');
  });

  it('takes linear time on what looks like a hit for long', () => {
    for (const text of [
      '1 '.repeat(20_000),
      '+1'.repeat(20_000),
      'a@'.repeat(20_000),
      '0'.repeat(60_000),
      'DE12'.repeat(15_000),
      'a.'.repeat(30_000),
      '01 '.repeat(20_000),
      ':'.repeat(60_000),
      'a'.repeat(60_000),
      '+1 ('.repeat(15_000),
    ]) {
      const began = performance.now();
      redact(text);
      expect(performance.now() - began, text.slice(0, 8)).toBeLessThan(500);
    }
  });
});
