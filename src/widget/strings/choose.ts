/** The languages there are, each with what the button needs before the panel is loaded. */
const OPEN_LABELS: Record<string, string> = {
  en: 'Open chat',
  de: 'Chat öffnen',
  fr: 'Ouvrir le chat',
  es: 'Abrir el chat',
  pt: 'Abrir o chat',
  it: 'Apri la chat',
  nl: 'Chat openen',
  pl: 'Otwórz czat',
  tr: 'Sohbeti aç',
  ar: 'افتح المحادثة',
  zh: '打开聊天',
  ja: 'チャットを開く',
};

/** Languages that are written from the right. */
const RTL = ['ar'];

/**
 * The language to speak: the first of the wishes that there is.
 * @param wishes Language tags, such as `pt-BR`; empty ones are passed over.
 */
export const chooseLanguage = (wishes: readonly (string | null | undefined)[]): string => {
  for (const wish of wishes) {
    const language = wish?.toLowerCase().split(/[-_]/)[0] ?? '';
    if (Object.hasOwn(OPEN_LABELS, language)) return language;
  }
  return 'en';
};

export const openLabel = (language: string): string => OPEN_LABELS[language] ?? '';

export const directionOf = (language: string): 'ltr' | 'rtl' => (RTL.includes(language) ? 'rtl' : 'ltr');
