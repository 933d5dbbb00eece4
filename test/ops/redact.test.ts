import { describe, expect, it } from 'vitest';
import { createRedact, KINDS } from '../../src/ops/redact/redact.ts';

/** What is masked, whole. */
const HITS: Record<(typeof KINDS)[number], string[]> = {
  email: [
    'ann@example.org',
    'Ann.Smith@example.co.uk',
    'a+shop@sub.example.com',
    "o'neil@example.ie",
    'first_last@my-shop.example',
    'x@y.io',
    '1234567890@example.com',
    'müller@büro.example',
    'user%local@example.net',
    'UPPER@EXAMPLE.COM',
    'a.b.c.d@e.f.g.museum',
    'почта@пример.рф',
    'ann-marie@example.travel',
    'info@xn--bcher-kva.example',
    '用户@例子.公司',
    'me2@example2.com',
    'a1@b2.dev',
    'very.common@example.com',
    'disposable.style.email.with+symbol@example.com',
    'x@127host.org',
  ],
  phone: [
    '+49 30 1234567',
    '+4930123456789',
    '+1 (555) 123-4567',
    '+1-555-123-4567',
    '+1 555 123 4567',
    '+44 20 7946 0958',
    '+44 (0)20 7946 0958',
    '+33 6 12 34 56 78',
    '+41 44 668 18 00',
    '+7 495 123-45-67',
    '+86 138 0013 8000',
    '+91-98765-43210',
    '+351 912 345 678',
    '+420 601 123 456',
    '+90 (532) 123 45 67',
    '0049 30 1234567',
    '0033 6 12 34 56 78',
    '0044 20 7946 0958',
    '(555) 123-4567',
    '555-123-4567',
    '555.123.4567',
    '555 123 4567',
    '1-800-555-0199',
    '(212) 555-0187',
    '06 12 34 56 78',
    '06.12.34.56.78',
    '030 / 123 45 67',
    '030/12345678',
    '0171-1234567',
    '0171 1234567',
    '(020) 7946 0958',
    '020 7946 0958',
    '0911 123 456',
    '01-23-45-67-89',
    '+61 2 9876 5432',
  ],
  card: [
    '4111111111111111',
    '4111 1111 1111 1111',
    '4111-1111-1111-1111',
    '4012888888881881',
    '4222222222222',
    '5555555555554444',
    '5555 5555 5555 4444',
    '5105105105105100',
    '2223003122003222',
    '2223 0000 4841 0010',
    '378282246310005',
    '3782 822463 10005',
    '371449635398431',
    '3714-496353-98431',
    '6011111111111117',
    '6011 0009 9013 9424',
    '3530111333300000',
    '3566 0020 2036 0505',
    '30569309025904',
    '3056 930902 5904',
    '38520000023237',
    '6200000000000005',
    '4242424242424242',
    '4000 0566 5566 5556',
  ],
  iban: [
    'DE89370400440532013000',
    'DE89 3704 0044 0532 0130 00',
    'de89 3704 0044 0532 0130 00',
    'GB29 NWBK 6016 1331 9268 19',
    'FR14 2004 1010 0505 0001 3M02 606',
    'FR1420041010050500013M02606',
    'NL91 ABNA 0417 1643 00',
    'CH93 0076 2011 6238 5295 7',
    'AT61 1904 3002 3457 3201',
    'BE68 5390 0754 7034',
    'ES91 2100 0418 4502 0005 1332',
    'IT60 X054 2811 1010 0000 0123 456',
    'PL61 1090 1014 0000 0712 1981 2874',
    'SE45 5000 0000 0583 9825 7466',
    'NO93 8601 1117 947',
    'DK50 0040 0440 1162 43',
    'FI21 1234 5600 0007 85',
    'IE29 AIBK 9311 5212 3456 78',
    'PT50 0002 0123 1234 5678 9015 4',
    'LU28 0019 4006 4475 0000',
    'SA03 8000 0000 6080 1016 7519',
    'TR33 0006 1005 1978 6457 8413 26',
    'GR16-0110-1250-0000-0001-2300-695',
  ],
  ip: [
    '192.168.0.1',
    '8.8.8.8',
    '10.0.0.255',
    '255.255.255.0',
    '127.0.0.1',
    '172.16.254.3',
    '2001:db8::1',
    '2001:0db8:85a3:0000:0000:8a2e:0370:7334',
    'fe80::1',
    'fd12:3456:789a:1::1',
    '2a00:1450:4001:81b::200e',
    '2606:4700:4700::1111',
    '203.0.113.77',
  ],
};

/** What stays as it is, whatever is masked. */
const NON_HITS = [
  // Decimals and amounts.
  '3.14159265358979',
  '1234.5678',
  '1,234,567.89',
  '+12.5 %',
  '-40.7127837, -74.0059413',
  '€ 1.234.567,89',
  '0.0000012345',
  '+1.23456789',
  '12 000 000 EUR',
  '100 000 000',
  '99.99',
  '1.000.000',
  '2,5 x 3,5',
  '$1,299.00',
  '1e10',
  // Order numbers, references, tracking.
  'order 12345678',
  'Order #4711-0815',
  '402-1234567-1234567',
  'INV-2024-000123',
  'RMA 0012345678',
  '00123456789',
  'ticket 5551234567',
  '1Z999AA10123456784',
  'JD014600003828392034',
  'SKU 4006381333931',
  'EAN 4006381333931',
  'PO-7781234567',
  'customer 1000234567',
  'ref. 20240115123456',
  'A-123-456-7890',
  '#555-123',
  'article 123-456-789',
  'ISBN 978-3-16-148410-0',
  'ISBN 0-306-40615-2',
  '0306406152',
  'VAT DE123456789',
  'ATU12345678',
  // Not a card: the check digit is wrong, or it is no issuer's.
  '4111111111111112',
  '4111 1111 1111 1112',
  '1234567812345670',
  '9999999999999995',
  '0000000000000000',
  '1111111111111117',
  '41111111111111111111',
  'x4111111111111111',
  '4111111111111111x',
  '4111 11111111 1111',
  // Not an IBAN.
  'DE89370400440532013001',
  'DE89 3704 0044 0532 0130 01',
  'DE8937040044053201300',
  'XX89370400440532013000',
  'GB00 NWBK 6016 1331 9268 19',
  'AB12 3456 7890',
  'IE10 or IE11',
  'ES6 and ES2024',
  // Versions.
  'version 1.2.3.4',
  'v1.2.3.4',
  'v 10.15.7.2',
  'Node 26.10.0',
  'Version: 4.17.21',
  'build 2024.1.15.3',
  'firmware 1.0.0.12',
  'lodash@4.17.21',
  '@scope/package@1.2.3',
  'Chrome/126.0.6478.127',
  '1.2.3',
  '1.2.3.4.5',
  '§ 1.2.3.4',
  'section 2.1.4.3',
  // Dates and times.
  '2024-01-15',
  '15.01.2024',
  '01.02.2024',
  '01/02/2024',
  '01-02-2024 12:30',
  '01.02.2024 12',
  '2024-01-15T12:30:45.123Z',
  '20240115',
  '12:30:45',
  '12:30:45:678',
  '1696614303.123',
  '1696614303',
  '2023-2024',
  '01.02.-03.02.2024',
  'Q1 2024 10 15',
  // Ids.
  '550e8400-e29b-41d4-a716-446655440000',
  'conv_68a1b2c3d4e5f60718293a4b',
  'asst_abc123',
  'deadbeef',
  'de:ad:be:ef:00:01',
  'sha256:9f86d081884c7d659a2feaa0c55ad015',
  '0x1A2B3C4D',
  '507f1f77bcf86cd799439011',
  // Near addresses.
  '@ann',
  'ann@',
  'ann@localhost',
  'a@b',
  'user@host.1',
  'me @ example.org',
  'https://example.org/@ann',
  '256.1.1.1',
  '1.2.3.456',
  '10.0.0',
  'std::vector',
  'a::b',
  'abc::def',
  '::',
  ':: 5',
  // Near telephone numbers.
  '+1',
  '+49',
  '+10 points',
  '1 + 12345678',
  '2+2',
  '911',
  '112',
  '0800',
  'room 030',
  '12 34 56 78',
  '123 4567',
  '24/7 365',
  '16:9 1080',
  '1920x1080',
  'size 42 44 46 48',
  'lotto 3 17 22 29 41 45',
  'between 100-200-3000 units',
];

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
