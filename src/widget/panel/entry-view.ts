import { type Entry, isRunning } from '../client/entry.ts';
import { h } from '../dom.ts';
import { answerActions } from './actions.ts';
import type { Context } from './context.ts';
import { failureText } from './failures.ts';
import { icon } from './icons.ts';
import { withoutBidiControls } from './links.ts';
import { createMarkdown, type Markdown } from './markdown.ts';
import { linkMarks, sourceList } from './sources.ts';

/** A message and its answer on the page. */
export interface EntryView {
  readonly element: HTMLElement;
  readonly at: number;
  /** Shows the entry as it is now. */
  update(): void;
  /** Shows words that were added at the end of the entry's text. */
  append(): void;
  /** The answer's words. */
  spoken(): string;
}

export const createEntryView = (entry: Entry, context: Context): EntryView => {
  const { strings, language } = context;
  const date = new Date(entry.at);
  const time = h(
    'time',
    { datetime: date.toISOString(), class: 'time' },
    new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' }).format(date),
  );
  const visitor = h(
    'div',
    { class: 'message visitor', part: 'message visitor-message' },
    h('span', { class: 'sr' }, `${strings.you}: `),
    h('div', { class: 'bubble', dir: 'auto' }, withoutBidiControls(entry.user)),
    time,
  );
  const bubble = h('div', { class: 'bubble', dir: 'auto' });
  const dots = h('div', { class: 'bubble dots', part: 'typing' }, h('i'), h('i'), h('i'));
  const below = h('div', { class: 'below' });
  const answer = h(
    'div',
    { class: 'message assistant', part: 'message assistant-message' },
    h('span', { class: 'sr' }, `${context.name()}: `),
    dots,
    bubble,
    below,
  );
  const element = h('article', { class: 'entry', 'data-state': entry.state }, visitor, answer);

  let markdown: Markdown | undefined;
  /** What the markdown shows already. */
  let shown = '';
  let isEnded = false;

  const restart = (): Markdown => {
    bubble.replaceChildren();
    shown = '';
    isEnded = false;
    markdown = createMarkdown(bubble, { strings, showsImages: context.settings().showsImages });
    return markdown;
  };

  /** Brings the bubble to the entry's text; what stands is left as it is wherever that is possible. */
  const catchUp = (): void => {
    const { text } = entry;
    const current = markdown && text.startsWith(shown) && !(isEnded && text !== shown) ? markdown : restart();
    current.write(text.slice(shown.length));
    shown = text;
  };

  const again = (): void => {
    context.conversation().retry(entry);
    // The button goes, and must not take the focus with it.
    context.focusInput();
  };

  const failed = (): HTMLElement =>
    h(
      'div',
      { class: 'line failed' },
      h('span', {}, failureText(entry.error?.code ?? '', entry.error?.message ?? '', strings)),
      retry(),
    );

  const retry = (): HTMLElement =>
    h('button', { type: 'button', class: 'plain', onclick: again }, icon('retry', 15), strings.retry);

  const finish = (): void => {
    if (!isEnded && markdown) markdown.end();
    isEnded = true;
    const { sources = [], state, truncated } = entry;
    if (sources.length > 0 && markdown) linkMarks(markdown.marks, sources);
    const isStopped = state === 'stopped' || (state === 'done' && entry.text === '');
    below.replaceChildren(
      ...[
        isStopped && h('div', { class: 'line' }, h('span', {}, strings.stopped), retry()),
        state === 'done' && truncated && !isStopped && h('div', { class: 'line' }, strings.truncated),
        state === 'failed' && failed(),
        sources.length > 0 && sourceList(sources, strings),
        state !== 'failed' && entry.text !== '' && entry.id !== undefined && answerActions(entry, context),
      ].filter((part) => part !== false && part !== undefined),
    );
  };

  const update = (): void => {
    element.dataset.state = entry.state;
    catchUp();
    bubble.hidden = entry.text === '';
    dots.hidden = entry.text !== '' || !isRunning(entry);
    if (isRunning(entry)) below.replaceChildren();
    else finish();
  };
  update();

  return {
    element,
    at: entry.at,
    update,
    append: () => {
      catchUp();
      bubble.hidden = false;
      dots.hidden = true;
    },
    spoken: () => bubble.innerText,
  };
};
