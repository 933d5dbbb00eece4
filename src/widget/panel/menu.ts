import { h } from '../dom.ts';
import type { Context } from './context.ts';
import { type IconName, icon } from './icons.ts';
import { linkTo, safeUrl } from './links.ts';

/** A button with a menu below it: new chat, copy, privacy. */
export const createMenu = (
  context: Context,
  on: { newChat: () => void; copyAll: (button: HTMLButtonElement) => void },
) => {
  const { strings } = context;
  const button = h(
    'button',
    {
      type: 'button',
      class: 'head-button',
      'aria-label': strings.menu,
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      'aria-controls': 'tp-menu',
      onclick: () => toggle(list.hidden !== false),
    },
    icon('menu', 20),
  );
  const item = (
    name: IconName,
    label: string,
    run: (button: HTMLButtonElement) => void,
  ): HTMLButtonElement => {
    const made = h('button', { type: 'button', role: 'menuitem', tabindex: -1 }, icon(name, 18), label);
    made.addEventListener('click', () => {
      toggle(false);
      button.focus();
      run(button);
    });
    return made;
  };
  const privacy = h('a', { role: 'menuitem', tabindex: -1 }, icon('lock', 18), strings.privacy);
  const list = h(
    'div',
    { class: 'menu', part: 'menu', id: 'tp-menu', role: 'menu', 'aria-label': strings.menu, hidden: true },
    item('plus', strings.newChat, on.newChat),
    item('copy', strings.copyTranscript, on.copyAll),
    privacy,
  );
  const element = h('div', { class: 'menu-frame' }, button, list);

  const items = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>('[role=menuitem]:not([hidden])')];
  const toggle = (isOpen: boolean): void => {
    list.hidden = !isOpen;
    button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) items()[0]?.focus();
  };
  element.addEventListener('keydown', (event) => {
    if (list.hidden) return;
    const all = items();
    const at = all.findIndex((one) => one.matches(':focus'));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all.at(to % all.length)?.focus();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      toggle(false);
      button.focus();
    }
  });
  // Whatever takes the focus elsewhere closes it.
  element.addEventListener('focusout', (event) => {
    if (!(event.relatedTarget instanceof Node && element.contains(event.relatedTarget))) toggle(false);
  });
  return {
    element,
    refresh: (): void => {
      const url = safeUrl(context.settings().privacyUrl, ['http:', 'https:']);
      privacy.hidden = !url;
      if (url) linkTo(privacy, url);
    },
  };
};
