import { parseAccept } from 'hono/utils/accept';
import { AppError, failureOf } from '../../errors.ts';
import { ar } from './ar.ts';
import { de } from './de.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { it } from './it.ts';
import { ja } from './ja.ts';
import type { Messages } from './messages.ts';
import { nl } from './nl.ts';
import { pl } from './pl.ts';
import { pt } from './pt.ts';
import { tr } from './tr.ts';
import { zh } from './zh.ts';

/** The languages beside English, whose messages are those of `src/errors.ts`. */
const LANGUAGES: Readonly<Record<string, Messages>> = { ar, de, es, fr, it, ja, nl, pl, pt, tr, zh };

/** A language's tag, such as `de` or `pt-BR`. */
const TAG = /^[A-Za-z]{2,8}(?:-[A-Za-z\d]{1,8}){0,4}$/;

/**
 * The languages that a caller prefers, as an `Accept-Language` header has them: the one that it names (`?lang=de`, for
 * pages in another language than their visitor's browser) goes before those of the browser.
 */
export const preferred = (lang: string | null | undefined, header: string | undefined): string | undefined =>
  lang && TAG.test(lang) ? [lang, header].filter((part) => part).join(',') : header;

/**
 * What a visitor is told of a failure, in the first of its languages that there is, otherwise in English.
 * @param acceptLanguage The `Accept-Language` header: `de-AT,de;q=0.9,en;q=0.8`.
 */
export const messageFor = ({ code, message }: AppError, acceptLanguage: string | undefined): string => {
  // Some failures say something of their own, which is there in English alone.
  if (!acceptLanguage || message !== failureOf(code).message) return message;
  for (const { type, q } of parseAccept(acceptLanguage)) {
    const [language = ''] = type.toLowerCase().split('-');
    if (q === 0) continue;
    if (language === 'en' || language === '*') return message;
    if (Object.hasOwn(LANGUAGES, language)) return LANGUAGES[language]?.[code] ?? message;
  }
  return message;
};

/** The failure with what its visitor is told, as {@link messageFor}. */
export const inLanguage = (error: AppError, acceptLanguage: string | undefined): AppError => {
  const { code, cause, retryAfter, detail } = error;
  const message = messageFor(error, acceptLanguage);
  if (message === error.message) return error;
  return new AppError(code, message, {
    cause,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(detail === undefined ? {} : { detail }),
  });
};
