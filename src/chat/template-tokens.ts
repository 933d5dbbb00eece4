/**
 * The control tokens of models' chat templates, which a server that does not know a model's template leaves in its
 * answers: gpt-oss's harmony format (https://github.com/openai/harmony), ChatML (Qwen and others), Llama 3, Gemma,
 * Phi, GLM, Command and DeepSeek.
 */

const NAMES = [
  ...['start', 'channel', 'constrain', 'message', 'end', 'return', 'call'],
  ...['im_start', 'im_sep', 'im_end', 'endoftext', 'startoftext', 'begin_of_text', 'end_of_text'],
  ...['start_header_id', 'end_header_id', 'eot_id', 'eom_id', 'python_tag'],
  ...['assistant', 'user', 'system', 'observation', 'begin_of_box', 'end_of_box'],
  ...['START_THINKING', 'END_THINKING', 'START_RESPONSE', 'END_RESPONSE', 'END_OF_TURN_TOKEN'],
];
const GEMMA = ['<start_of_turn>', '<end_of_turn>', '<|turn>', '<turn|>', '<|channel>', '<channel|>'];
const DEEPSEEK = ['begin▁of▁sentence', 'end▁of▁sentence', 'Assistant', 'User'].map((name) => `<｜${name}｜>`);
const TOKENS = [...NAMES.map((name) => `<|${name}|>`), ...GEMMA, ...DEEPSEEK];

/** What each of them begins with: most of what is tested begins otherwise. */
const FIRST = /^<[|｜setc]/;

/** Who speaks in which channel to whom: `<|start|>assistant<|channel|>analysis to=browser<|constrain|>json<|message|>`. */
const HARMONY =
  /^(?:<\|start\|>([^<\n]{0,80}))?(?:<\|channel\|>([^<\n]{0,120}))?(?:<\|constrain\|>[^<\n]{0,40})?<\|message\|>/;
/** The same where the header breaks off. */
const CHANNEL = /^(?:<\|start\|>([a-z]{0,20}))?<\|channel\|>(analysis|commentary|final|)/;
/** A turn in the other templates begins with its role. */
const TURN =
  /^(?:<\|(?:start|im_start|turn|start_header_id)\|?>|<start_of_turn>)[ \t]*(assistant|model|user|system|developer|tool|ipython|)(?:<\|end_header_id\|>|<\|im_sep\|>)?\s*/;
const ROLE = /^(?:<\|(user|system|observation)\|>|<｜(User)｜>)/;
const THOUGHT = /^(?:<\|START_THINKING\|>|<\|channel>thought\b)/;
const HEADER_BEGUN =
  /^(?:<\|start\|>[^<\n]{0,80})?(?:<\|channel\|>[^<\n]{0,120})?(?:<\|constrain\|>[^<\n]{0,40})?(?:<(?:\|[a-z]{0,9}\|?)?)?$/;
const TURN_BEGUN =
  /^(?:<\|(?:start|im_start|turn|start_header_id)\|?>|<start_of_turn>)[ \t]*[a-z]{0,9}(?:<(?:\|[a-z_]{0,13}\|?)?)?$/;
const THOUGHT_BEGUN = /^<\|channel>[a-z]{0,7}$/;

/** What ends a part that is not for visitors: its own end, or the header of the next part. */
export const PART_ENDS = [
  ...['<|end|>', '<|return|>', '<|call|>', '<|im_end|>', '<|eot_id|>', '<|eom_id|>', '<|endoftext|>'],
  ...['<|END_THINKING|>', '<end_of_turn>', '<turn|>', '<channel|>', '<|assistant|>', '<｜Assistant｜>'],
  ...['<|start|>', '<|channel|>', '<|im_start|>', '<|start_header_id|>', '<start_of_turn>', '<|turn>'],
];

/** What stands at the front of a text. */
export interface TemplateToken {
  readonly length: number;
  /**
   * `part`: what follows is said to the visitor; `final`: it is the answer, whatever was said before; `hidden`: it is
   * not for visitors (a thought, a call of a tool, what somebody else says); `mark`: it says nothing of what follows.
   */
  readonly kind: 'part' | 'final' | 'hidden' | 'mark';
}

const kindOf = (role = '', channel = '', isWhole = true): TemplateToken['kind'] => {
  const isOthers = role !== '' && !/^(?:assistant|model)\b/.test(role);
  if (isOthers || / to=/.test(`${role} ${channel}`) || /^analysis\b/.test(channel)) return 'hidden';
  return isWhole && /^final\b/.test(channel) ? 'final' : 'part';
};

/** The token, or header of several, with which the text begins. */
export const templateTokenAt = (text: string): TemplateToken | undefined => {
  if (!FIRST.test(text)) return undefined;
  const header = HARMONY.exec(text) ?? CHANNEL.exec(text);
  // In the middle of a message only the start of another one tells that what came before was none.
  if (header)
    return { length: header[0].length, kind: kindOf(header[1], header[2], header[1] !== undefined) };
  const turn = TURN.exec(text);
  if (turn) return { length: turn[0].length, kind: kindOf(turn[1]) };
  const hidden = ROLE.exec(text) ?? THOUGHT.exec(text);
  if (hidden) return { length: hidden[0].length, kind: 'hidden' };
  const token = TOKENS.find((one) => text.startsWith(one));
  return token === undefined ? undefined : { length: token.length, kind: 'mark' };
};

/** What the words begin with, themselves included. */
export const beginningsOf = (words: readonly string[]): ReadonlySet<string> =>
  new Set(words.flatMap((word) => Array.from(word, (_, at) => word.slice(0, at + 1))));
const BEGINNINGS = beginningsOf(TOKENS);

/** Whether all of the text may be the beginning of one. */
export const isTemplateTokenBegun = (text: string): boolean =>
  BEGINNINGS.has(text) || HEADER_BEGUN.test(text) || TURN_BEGUN.test(text) || THOUGHT_BEGUN.test(text);

/** @returns Where a text ends that is not for visitors: -1 where it goes on. */
export const hiddenPartEnd = (text: string): number =>
  PART_ENDS.map((end) => text.indexOf(end))
    .filter((at) => at >= 0)
    .reduce((first, at) => (first < 0 ? at : Math.min(first, at)), -1);

/** Where one of the tokens may have begun that the text does not hold whole; its length where none has. */
export const begunTokenIn = (text: string, tokens: readonly string[]): number => {
  const longest = Math.max(...tokens.map(({ length }) => length));
  for (let at = Math.max(0, text.length - longest + 1); at < text.length; at++) {
    if (tokens.some((token) => token.startsWith(text.slice(at)))) return at;
  }
  return text.length;
};
