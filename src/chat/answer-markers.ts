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
const isTagBegun = (text: string): boolean => TAGS.some((tag) => tag.startsWith(text));
/** Where a marker may begin. */
const SPECIAL = /[【<[\u25C1\uE200-\uE206]/;
/** What a thought's end begins with. */
const TAG_STARTS = ['<', '[', '\u25C1'];

/**
 * Removes `【4:0†source】`, private-use `cite` runs and `<think>` blocks from an answer, wherever its pieces are cut.
 * A thought's begin counts at the start of a line only, so that an answer may speak of one.
 * @param options.startsInThought Everything up to the first `</think>` is a thought. Where none comes, all of it is shown at the end.
 */
export const createMarkerFilter = ({ startsInThought = false } = {}): MarkerFilter => {
  let held = '';
  let inThought = startsInThought;
  /** What a thought said, for the case that it was none. */
  let thought = startsInThought ? '' : undefined;
  /** Nothing but white space was shown of this line, or of the answer. */
  let atLineStart = true;
  let isFirst = true;
  /** White space that follows a thought goes with it. */
  let afterThought = false;
  let sawLoneThoughtEnd = false;
  let last = '';

  const show = (text: string): string => {
    let shown = afterThought ? text.trimStart() : text;
    if (shown === '') return '';
    if (afterThought && !isFirst && !atLineStart) shown = `\n${shown}`;
    afterThought = false;
    isFirst = false;
    const line = shown.slice(shown.lastIndexOf('\n') + 1);
    atLineStart = line.trim() === '' && (line.length < shown.length || atLineStart);
    last = shown.slice(-1);
    return shown;
  };

  const endThought = (): void => {
    inThought = false;
    thought = undefined;
    afterThought = true;
  };

  /** Takes thought off the front of what is held. @returns Whether it has ended. */
  const skipThought = (): boolean => {
    const end = ANY_THOUGHT_END.exec(held);
    if (end) {
      held = held.slice(end.index + end[0].length);
      endThought();
      return true;
    }
    const tail = Math.max(...TAG_STARTS.map((start) => held.lastIndexOf(start)));
    const kept = tail >= 0 && isTagBegun(held.slice(tail)) ? tail : held.length;
    if (thought !== undefined) thought += held.slice(0, kept);
    held = held.slice(kept);
    return false;
  };

  /** What stands at the front of what is held, which begins with a special character. */
  const front = (isEnd: boolean): 'wait' | 'text' | number => {
    const marker = CITATION.exec(held) ?? RUN.exec(held);
    if (marker) return marker[0].length;
    if (!isEnd && (CITATION_BEGUN.test(held) || RUN_BEGUN.test(held))) return 'wait';
    // The answer was cut inside a run.
    if (isEnd && RUN_BEGUN.test(held)) return held.length;
    if (PRIVATE_USE.test(held)) return 1;
    if (!isEnd && isTagBegun(held)) return 'wait';
    const end = last === '`' ? null : THOUGHT_END.exec(held);
    if (end) {
      sawLoneThoughtEnd = true;
      afterThought = true;
      return end[0].length;
    }
    const begin = atLineStart ? THOUGHT.exec(held) : null;
    if (!begin) return 'text';
    inThought = true;
    return begin[0].length;
  };

  const drain = (isEnd: boolean): string => {
    let shown = '';
    while (held !== '') {
      if (inThought) {
        if (!skipThought()) break;
        continue;
      }
      const special = held.search(SPECIAL);
      if (special !== 0) {
        const length = special < 0 ? held.length : special;
        shown += show(held.slice(0, length));
        held = held.slice(length);
        continue;
      }
      const found = front(isEnd);
      if (found === 'wait') break;
      if (found === 'text') shown += show(held.slice(0, 1));
      held = held.slice(found === 'text' ? 1 : found);
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
        thought = undefined;
        inThought = false;
      }
      const shown = drain(true);
      held = '';
      return shown;
    },
  };
};

/** The same for a whole text: an answer of an older log, say. What stands before a lone `</think>` goes, too. */
export const withoutMarkers = (text: string): string => {
  if (!SPECIAL.test(text)) return text;
  const filter = createMarkerFilter();
  const shown = filter.push(text) + filter.end();
  if (!filter.sawLoneThoughtEnd) return shown;
  const inThought = createMarkerFilter({ startsInThought: true });
  return inThought.push(text) + inThought.end();
};
