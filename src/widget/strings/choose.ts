/** The languages there are, each with what the button needs before the panel is loaded. */
const BUTTON: Record<string, readonly [open: string, unread: string]> = {
  en: ['Open chat', 'New message'],
  de: ['Chat öffnen', 'Neue Nachricht'],
  fr: ['Ouvrir le chat', 'Nouveau message'],
  es: ['Abrir el chat', 'Mensaje nuevo'],
  pt: ['Abrir o chat', 'Nova mensagem'],
  it: ['Apri la chat', 'Nuovo messaggio'],
  nl: ['Chat openen', 'Nieuw bericht'],
  pl: ['Otwórz czat', 'Nowa wiadomość'],
  tr: ['Sohbeti aç', 'Yeni mesaj'],
  ar: ['افتح المحادثة', 'رسالة جديدة'],
  zh: ['打开聊天', '新消息'],
  ja: ['チャットを開く', '新しいメッセージ'],
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
    if (Object.hasOwn(BUTTON, language)) return language;
  }
  return 'en';
};

export const openLabel = (language: string): string => BUTTON[language]?.[0] ?? '';

/** What is said beside it while an answer waits. */
export const unreadLabel = (language: string): string => BUTTON[language]?.[1] ?? '';

export const directionOf = (language: string): 'ltr' | 'rtl' => (RTL.includes(language) ? 'rtl' : 'ltr');
