import { h } from '../dom.ts';
import type { Context } from './context.ts';
import { createMarkdown } from './markdown.ts';

/** What stands before the first message: greeting, and questions to start with. */
export const createWelcome = (context: Context, onSuggestion: (text: string) => void) => {
  const { strings } = context;
  const bubble = h('div', { class: 'bubble', dir: 'auto' });
  const chips = h('ul', { class: 'chips', 'aria-label': strings.suggestions });
  const element = h(
    'div',
    { class: 'welcome' },
    h('p', { class: 'note' }, strings.aiNote),
    h('div', { class: 'message assistant', part: 'greeting' }, bubble),
    chips,
  );
  let isBegun = false;
  const refresh = (): void => {
    const { greeting, suggestions, showsImages } = context.settings();
    bubble.replaceChildren();
    const markdown = createMarkdown(bubble, { strings, showsImages });
    markdown.write(greeting ?? strings.greeting);
    markdown.end();
    chips.replaceChildren(
      ...suggestions.map((text) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              class: 'chip',
              part: 'suggestion',
              dir: 'auto',
              onclick: () => onSuggestion(text),
            },
            text,
          ),
        ),
      ),
    );
    chips.hidden = isBegun || suggestions.length === 0;
  };
  refresh();
  return {
    element,
    refresh,
    hasBegun: (begun: boolean): void => {
      isBegun = begun;
      chips.hidden = begun || context.settings().suggestions.length === 0;
    },
  };
};
