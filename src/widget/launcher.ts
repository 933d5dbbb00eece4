import { CHAT_LINES, CLOSE_LINES, drawIcon, h } from './dom.ts';
import { openLabel, unreadLabel } from './strings/choose.ts';

/** The round button in the corner. */
export interface Launcher {
  readonly element: HTMLButtonElement;
  setOpen(isOpen: boolean): void;
  setUnread(isUnread: boolean): void;
  setLanguage(language: string): void;
}

export const createLauncher = (onClick: () => void): Launcher => {
  const dot = h('span', { class: 'dot', part: 'unread', hidden: true });
  const element = h(
    'button',
    {
      type: 'button',
      class: 'launcher',
      part: 'button',
      'aria-haspopup': 'dialog',
      'aria-expanded': 'false',
      onclick: onClick,
    },
    drawIcon(CHAT_LINES, 26, 'chat'),
    drawIcon(CLOSE_LINES, 24, 'close'),
    dot,
  );
  let isUnread = false;
  let language = 'en';
  const label = (): void => {
    // A dot says nothing to who does not see it.
    const more = isUnread ? ` (${unreadLabel(language)})` : '';
    element.setAttribute('aria-label', openLabel(language) + more);
  };
  return {
    element,
    setOpen: (isOpen) => element.setAttribute('aria-expanded', String(isOpen)),
    setUnread: (next) => {
      isUnread = next;
      dot.hidden = !next;
      label();
    },
    setLanguage: (next) => {
      language = next;
      label();
    },
  };
};
