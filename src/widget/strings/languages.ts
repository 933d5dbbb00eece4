import { en, type Strings } from './en.ts';

/** A chunk of its own each: a visitor loads one language at most. */
const OTHERS: Record<string, () => Promise<Strings>> = {
  de: async () => (await import('./de.ts')).de,
  fr: async () => (await import('./fr.ts')).fr,
  es: async () => (await import('./es.ts')).es,
  pt: async () => (await import('./pt.ts')).pt,
  it: async () => (await import('./it.ts')).it,
  nl: async () => (await import('./nl.ts')).nl,
  pl: async () => (await import('./pl.ts')).pl,
  tr: async () => (await import('./tr.ts')).tr,
  ar: async () => (await import('./ar.ts')).ar,
  zh: async () => (await import('./zh.ts')).zh,
  ja: async () => (await import('./ja.ts')).ja,
};

/** The words of a language; English where its chunk does not come. */
export const loadStrings = async (language: string): Promise<Strings> => {
  try {
    return (await OTHERS[language]?.()) ?? en;
  } catch {
    return en;
  }
};
