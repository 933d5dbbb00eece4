import { fold } from './fold.ts';

/** How assistants say that they do not know, by language; folded when read. Parts of sentences, so that more fit. */
const PHRASES = [
  // en
  "i don't know|i do not know|i'm not sure|i am not sure|i don't have information|i do not have information|i don't have that information|i don't have any information|i don't have access to|i do not have access to|i couldn't find|i could not find|i can't find|i cannot find|i was unable to find|i'm unable to help with|no information about|not in the documents|not mentioned in the",
  // de
  'das weiß ich nicht|ich weiß es nicht|ich weiß leider nicht|dazu habe ich keine information|keine informationen dazu|darüber habe ich keine|dazu liegen mir keine|ich bin mir nicht sicher|konnte ich nicht finden|kann ich leider nicht beantworten',
  // fr
  "je ne sais pas|je n'ai pas d'information|je n'ai pas cette information|je ne dispose pas d'information|je ne dispose pas de cette information|je ne suis pas sûr|je n'ai pas trouvé|je ne trouve pas",
  // es
  'no lo sé|no sé la respuesta|no tengo información|no tengo esa información|no dispongo de información|no estoy seguro|no he encontrado|no pude encontrar',
  // pt
  'não sei|não tenho informaç|não tenho essa informação|não disponho de informaç|não tenho certeza|não encontrei|não consegui encontrar',
  // it
  'non lo so|non ho informazioni|non dispongo di informazioni|non sono sicuro|non ho trovato|non sono riuscito a trovare',
  // nl
  'dat weet ik niet|ik weet het niet|ik heb geen informatie|daar heb ik geen informatie|ik weet niet zeker|kon ik niet vinden',
  // pl
  'nie wiem|nie mam informacji|nie mam takich informacji|nie jestem pewien|nie znalazłem|nie udało mi się znaleźć',
  // tr
  'bilmiyorum|bilgim yok|bilgiye sahip değilim|emin değilim|bulamadım',
  // ar
  'لا أعرف|لا أعلم|ليس لدي معلومات|لا تتوفر لدي|لست متأكد|لم أجد',
  // zh
  '我不知道|我不清楚|我没有相关信息|没有找到|无法找到|我不确定|沒有找到|我沒有相關',
  // ja
  'わかりません|分かりません|存じません|情報がありません|情報を持っていません|見つかりませんでした',
].flatMap((line) => line.split('|'));

/** Typographic quotes are as good as plain ones. */
const plain = (text: string): string => fold(text).replace(/[’‘ʼ]/g, "'");

/**
 * Tells whether an answer says that the assistant does not know.
 * @param own The owner's phrases, now; undefined: those above.
 */
export const createUnanswered = (own: () => readonly string[] | undefined): ((answer: string) => boolean) => {
  const known = PHRASES.map(plain);
  let seen: readonly string[] | undefined;
  let folded: readonly string[] = known;
  return (answer) => {
    const phrases = own();
    if (phrases !== seen) {
      seen = phrases;
      folded = phrases ? phrases.map(plain).filter((phrase) => phrase !== '') : known;
    }
    const text = plain(answer);
    return folded.some((phrase) => text.includes(phrase));
  };
};
