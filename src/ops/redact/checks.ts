/** What tells a number of the real kind from a row of digits. */

/** @see https://en.wikipedia.org/wiki/Luhn_algorithm */
export const isLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let n = 0; n < digits.length; n++) {
    const digit = Number(digits[digits.length - 1 - n]);
    const weighted = n % 2 === 1 ? digit * 2 : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
};

/** Issuers' first digits: Amex, Visa, Mastercard, Discover, JCB, Diners, UnionPay, Maestro. */
const ISSUER =
  /^(3[47]\d{13}|4\d{12}(\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|6(011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|3(0[0-5]|[68]\d)\d{11}|62\d{14,17}|(50|5[6-9]|6[37])\d{10,17})$/;

export const isCard = (digits: string): boolean =>
  ISSUER.test(digits) && isLuhn(digits) && !/^(\d)\1+$/.test(digits);

/** Lengths by country, of the IBAN registry (SWIFT, release 99). */
const IBAN_LENGTHS =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30';
const LENGTH_OF = new Map(
  IBAN_LENGTHS.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
);

/** How many characters an IBAN of this country has; undefined where the country has none. */
export const ibanLength = (country: string): number | undefined => LENGTH_OF.get(country.toUpperCase());

/** ISO 7064 mod 97-10. @param iban Without spaces, its length known to be right. */
export const isIban = (iban: string): boolean => {
  const moved = iban.slice(4) + iban.slice(0, 4);
  let rest = 0;
  for (const char of moved.toUpperCase()) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
};
