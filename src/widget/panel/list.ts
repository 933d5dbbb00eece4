import type { Entry } from '../client/entry.ts';
import { h } from '../dom.ts';
import type { Context } from './context.ts';
import { createEntryView, type EntryView } from './entry-view.ts';
import { icon } from './icons.ts';
import { createWelcome } from './welcome.ts';

/** The messages, in a box that scrolls. */
export interface MessageList {
  readonly element: HTMLElement;
  update(entry: Entry): void;
  append(entry: Entry): void;
  /** The answer's words, without marks of Markdown. */
  spoken(key: string): string;
  remove(key: string): void;
  /** Puts older entries before all others. */
  prepend(entries: readonly Entry[], hasMore: boolean): void;
  clear(): void;
  toEnd(): void;
  /** Settings have changed. */
  refresh(): void;
}

/** So near to the end, in pixels, counts as at the end. */
const NEAR_END = 48;

export const createList = (context: Context, onSuggestion: (text: string) => void): MessageList => {
  const { strings, language } = context;
  const views = new Map<string, EntryView>();
  const welcome = createWelcome(context, onSuggestion);
  const earlier = h(
    'button',
    {
      type: 'button',
      class: 'plain earlier',
      hidden: true,
      onclick: () => void context.conversation().older(),
    },
    strings.earlier,
  );
  const items = h('div', { class: 'items' });
  const box = h(
    'div',
    {
      class: 'list',
      part: 'messages',
      role: 'log',
      'aria-live': 'off',
      'aria-label': strings.conversation,
      tabindex: 0,
    },
    earlier,
    welcome.element,
    items,
  );
  const jump = h(
    'button',
    { type: 'button', class: 'jump', hidden: true, 'aria-label': strings.jump, onclick: () => toEnd() },
    icon('arrow', 18),
  );
  const element = h('div', { class: 'list-frame' }, box, jump);

  /** Whether the visitor wants to see what comes; who has scrolled up reads, and is left alone. */
  let isFollowing = true;
  const distance = (): number => box.scrollHeight - box.clientHeight - box.scrollTop;
  const toEnd = (): void => {
    isFollowing = true;
    jump.hidden = true;
    box.scrollTop = box.scrollHeight;
  };
  let isQueued = false;
  const follow = (): void => {
    if (isQueued) return;
    isQueued = true;
    requestAnimationFrame(() => {
      isQueued = false;
      if (isFollowing) box.scrollTop = box.scrollHeight;
      else jump.hidden = distance() < NEAR_END;
    });
  };
  let top = 0;
  box.addEventListener(
    'scroll',
    () => {
      const isUp = box.scrollTop < top;
      top = box.scrollTop;
      if (distance() < NEAR_END) {
        isFollowing = true;
        jump.hidden = true;
        // Away from the end without going up, it was the list that has grown since.
      } else if (isUp) isFollowing = false;
    },
    { passive: true },
  );
  // Also when the panel itself changes its size, as under an on-screen keyboard.
  new ResizeObserver(follow).observe(box);

  const dayOf = (at: number): string => new Date(at).toDateString();
  const dayName = (at: number): string => {
    const days = Math.round(
      (new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000,
    );
    if (days < 2) return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-days, 'day');
    return new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
  };

  /** A line between days; none above what was said today, as long as it is all there is. */
  const separate = (): void => {
    for (const line of items.querySelectorAll('.day')) line.remove();
    const today = dayOf(Date.now());
    let day = '';
    for (const view of views.values()) {
      const next = dayOf(view.at);
      if (next !== day && !(day === '' && next === today)) {
        view.element.before(h('div', { class: 'day', role: 'separator' }, h('span', {}, dayName(view.at))));
      }
      day = next;
    }
  };

  const show = (): void => {
    welcome.element.hidden = !earlier.hidden;
    welcome.hasBegun(views.size > 0);
  };

  return {
    element,
    toEnd,
    update: (entry) => {
      const known = views.get(entry.key);
      if (known) known.update();
      else {
        const view = createEntryView(entry, context);
        views.set(entry.key, view);
        items.append(view.element);
        separate();
        show();
        // Who sends something wants to see it.
        if (entry.state === 'sending') toEnd();
      }
      follow();
    },
    append: (entry) => {
      views.get(entry.key)?.append();
      follow();
    },
    spoken: (key) => views.get(key)?.spoken() ?? '',
    remove: (key) => {
      views.get(key)?.element.remove();
      views.delete(key);
      separate();
      show();
    },
    prepend: (entries, hasMore) => {
      const below = distance();
      const fresh = entries.map((entry) => [entry.key, createEntryView(entry, context)] as const);
      const old = [...views];
      views.clear();
      for (const [key, view] of [...fresh, ...old]) views.set(key, view);
      items.prepend(...fresh.map(([, view]) => view.element));
      earlier.hidden = !hasMore;
      separate();
      show();
      if (isFollowing) toEnd();
      else box.scrollTop = box.scrollHeight - box.clientHeight - below;
    },
    clear: () => {
      views.clear();
      items.replaceChildren();
      earlier.hidden = true;
      show();
      toEnd();
    },
    refresh: () => welcome.refresh(),
  };
};
