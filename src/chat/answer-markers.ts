import { createCodeSpans } from './code-spans.ts';
import {
  beginningsOf,
  begunTokenIn,
  hiddenPartEnd,
  isTemplateTokenBegun,
  PART_ENDS,
  type TemplateToken,
  templateTokenAt,
} from './template-tokens.ts';

/** Rewrites a text that comes in pieces. */
export interface TextFilter {
  /** Takes the next piece. @returns What can be shown by now; a marker that may be going on is held back. */
  push(piece: string): string;
  /** @returns What was held back and is no marker after all. Nothing may be pushed after it. */
  end(): string;
}

/** Removes the markers that a provider or a model leaves in its answers. */
export interface MarkerFilter extends TextFilter {
  /**
   * The answer had a `</think>` without a `<think>`: the model's template begins inside the thought, and what came
   * before was not meant for the visitor. The next answer of that model is best filtered with `startsInThought`.
   */
  readonly sawLoneThoughtEnd: boolean;
}

/** Citations of the Assistants API's file search: `【4:0†source】`. Chinese and Japanese use these brackets, too. */
const CITATION = /^【\d{1,4}(?::\d{1,4})?†[^】\n]{0,200}】/;
const CITATION_BEGUN = /^【(?:\d{0,4}|\d{1,4}:\d{0,4}|\d{1,4}(?::\d{1,4})?†[^】\n]{0,200})$/;
/** Citations of newer models: `cite`, `filecite`, … between private-use characters. */
const RUN = /^\uE200[^\uE200\uE201]{0,400}\uE201/;
const RUN_BEGUN = /^\uE200[^\uE200\uE201]{0,400}$/;
const PRIVATE_USE = /^[\uE200-\uE206]/;
/** A thought in the words of most models, of Gemma, of Seed, of Magistral and of Kimi. */
const THOUGHT = /^(?:<(?:think(?:ing)?|thought|seed:think)>|\[THINK\]|\u25C1think\u25B7)/;
const ANY_THOUGHT_END = /<\/(?:think(?:ing)?|thought|seed:think)>|\[\/THINK\]|\u25C1\/think\u25B7/;
const THOUGHT_END = new RegExp(`^(?:${ANY_THOUGHT_END.source})`);
const TAGS = ['think', 'thinking', 'thought', 'seed:think']
  .flatMap((name) => [`<${name}>`, `</${name}>`])
  .concat('[THINK]', '[/THINK]', '\u25C1think\u25B7', '\u25C1/think\u25B7');
const TAG_BEGINNINGS = beginningsOf(TAGS);
/** gpt-oss's thought and answer at a server that shows no control tokens: `analysisThe user …assistantfinalHi.` */
const BARE_THOUGHT = /^analysis(?=[A-Z"'\u201C\u2018*])/;
const BARE_END = 'assistantfinal';
/** What a template begins with that ends the thought before it. */
const FINAL = '<|start|>assistant<|channel|>final';
/** Where a marker may begin. */
const SPECIAL = /[【<[\u25C1\uE200-\uE206]/;

/** A part that is not shown: until when, and what of that may have begun. */
interface Hidden {
  readonly tokens: readonly string[];
  /** Where it ends, and where what follows begins. */
  readonly end: (text: string) => readonly [at: number, next: number] | undefined;
}

const found = (at: number, length = 0): readonly [number, number] | undefined =>
  at < 0 ? undefined : [at, at + length];
const tagEnd = (text: string): readonly [number, number] | undefined => {
  const tag = ANY_THOUGHT_END.exec(text);
  return tag ? found(tag.index, tag[0].length) : undefined;
};
const THOUGHT_PART: Hidden = { tokens: TAGS, end: tagEnd };
const TEMPLATE_PART: Hidden = { tokens: PART_ENDS, end: (text) => found(hiddenPartEnd(text)) };
const BARE_PART: Hidden = {
  tokens: [BARE_END],
  end: (text) => found(text.indexOf(BARE_END), BARE_END.length),
};
/** What a template has begun already, in whatever words: only its end will tell. */
const UNSEEN_PART: Hidden = {
  tokens: [...TAGS, FINAL],
  end: (text) => tagEnd(text) ?? found(text.indexOf(FINAL)),
};

/**
 * Removes `【4:0†source】`, private-use `cite` runs, `<think>` blocks and the control tokens of chat templates from an
 * answer, wherever its pieces are cut. A thought's begin counts at the start of a line only, and nothing of it in code,
 * so that an answer may speak of them.
 * @param options.startsInThought Everything up to the first `</think>` is a thought. Where none comes, all of it is shown at the end.
 */
export const createMarkerFilter = ({ startsInThought = false } = {}): MarkerFilter => {
  let held = '';
  let hidden: Hidden | undefined = startsInThought ? UNSEEN_PART : undefined;
  /** What was hidden, for the case that it was no thought. */
  let thought = startsInThought ? '' : undefined;
  /** Nothing but white space was shown of this line, or of the answer. */
  let atLineStart = true;
  let isFirst = true;
  /** White space that follows a thought goes with it. */
  let afterThought = false;
  /** Nothing was shown since a template's token. */
  let afterToken = false;
  /** A template has told which part of the answer this is. */
  let inParts = false;
  let struckOut = false;
  let sawLoneThoughtEnd = false;
  const code = createCodeSpans();

  const show = (text: string): string => {
    let shown = afterThought ? text.trimStart() : text;
    if (shown === '') return '';
    if (afterThought && !isFirst && !atLineStart) shown = `\n${shown}`;
    afterThought = false;
    afterToken = false;
    isFirst = false;
    const line = shown.slice(shown.lastIndexOf('\n') + 1);
    atLineStart = line.trim() === '' && (line.length < shown.length || atLineStart);
    code.follow(shown);
    return shown;
  };

  /** Takes what is hidden off the front of what is held. @returns Whether it has ended. */
  const skip = (part: Hidden): boolean => {
    const end = part.end(held);
    if (end) {
      held = held.slice(end[1]);
      hidden = undefined;
      thought = undefined;
      afterThought = true;
      return true;
    }
    const begun = begunTokenIn(held, part.tokens);
    if (thought !== undefined) thought += held.slice(0, begun);
    held = held.slice(begun);
    return false;
  };

  /** Takes a template's token off. @returns Its length */
  const take = ({ kind, length }: TemplateToken): number => {
    if (kind === 'final' && !inParts && !isFirst) sawLoneThoughtEnd = true;
    const hides = kind === 'hidden' && (atLineStart || afterToken);
    hidden = hides ? TEMPLATE_PART : hidden;
    if (hides || kind === 'part' || kind === 'final') {
      inParts = true;
      afterThought = true;
    }
    afterToken = true;
    return length;
  };

  /** What the answer begins with where a server shows no tokens. */
  const bareThought = (isEnd: boolean): 'wait' | 'none' | 'thought' => {
    if (!isEnd && 'analysis'.startsWith(held)) return 'wait';
    if (!BARE_THOUGHT.test(held)) return 'none';
    hidden = BARE_PART;
    thought = '';
    return 'thought';
  };

  /** What stands at the front of what is held, which begins with a special character. */
  const front = (isEnd: boolean): 'wait' | 'text' | number => {
    const marker = CITATION.exec(held) ?? RUN.exec(held);
    if (marker) return marker[0].length;
    if (!isEnd && (CITATION_BEGUN.test(held) || RUN_BEGUN.test(held))) return 'wait';
    // The answer was cut inside a run.
    if (isEnd && RUN_BEGUN.test(held)) return held.length;
    if (PRIVATE_USE.test(held)) return 1;
    if (!isEnd && TAG_BEGINNINGS.has(held)) return 'wait';
    if (held.startsWith('<s>')) struckOut = true;
    // Llama 2 and Mistral end with it; elsewhere it ends what is struck out.
    if (!struckOut && (isEnd ? /^<\/s>\s*$/ : /^<(?:\/(?:s(?:>\s*)?)?)?$/).test(held))
      return isEnd ? held.length : 'wait';
    const isCode = code.isCode();
    const end = isCode ? null : THOUGHT_END.exec(held);
    if (end) {
      sawLoneThoughtEnd = true;
      afterThought = true;
      return end[0].length;
    }
    const begin = atLineStart && !isCode ? THOUGHT.exec(held) : null;
    if (begin) {
      hidden = THOUGHT_PART;
      return begin[0].length;
    }
    if (!isEnd && isTemplateTokenBegun(held)) return 'wait';
    const token = templateTokenAt(held);
    // The last thing of an answer is its end also where code was not closed.
    return token && (!isCode || (isEnd && token.length === held.trimEnd().length)) ? take(token) : 'text';
  };

  const drain = (isEnd: boolean): string => {
    let shown = '';
    while (held !== '') {
      if (hidden) {
        if (!skip(hidden)) break;
        continue;
      }
      const bare = isFirst && thought === undefined ? bareThought(isEnd) : 'none';
      if (bare === 'wait') break;
      if (bare === 'thought') continue;
      const special = held.search(SPECIAL);
      if (special !== 0) {
        const length = special < 0 ? held.length : special;
        shown += show(held.slice(0, length));
        held = held.slice(length);
        continue;
      }
      const at = front(isEnd);
      if (at === 'wait') break;
      if (at === 'text') shown += show(held.slice(0, 1));
      held = held.slice(at === 'text' ? 1 : at);
    }
    return shown;
  };

  return {
    get sawLoneThoughtEnd() {
      return sawLoneThoughtEnd;
    },
    push: (piece) => {
      held += piece;
      return drain(false);
    },
    end: () => {
      if (thought !== undefined) {
        held = thought + held;
        hidden = undefined;
      }
      const shown = drain(true);
      held = '';
      return shown;
    },
  };
};

/** The same for a whole text: an answer of an older log, say. What stands before a lone `</think>` goes, too. */
export const withoutMarkers = (text: string): string => {
  if (!SPECIAL.test(text) && !BARE_THOUGHT.test(text)) return text;
  const filter = createMarkerFilter();
  const shown = filter.push(text) + filter.end();
  if (!filter.sawLoneThoughtEnd) return shown;
  const inThought = createMarkerFilter({ startsInThought: true });
  return inThought.push(text) + inThought.end();
};
