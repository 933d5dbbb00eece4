import { h, set } from '../dom.ts';
import type { Context } from './context.ts';
import { icon } from './icons.ts';
import { createMenu } from './menu.ts';

/** Name, state and menu of the chat. */
export const createHeader = (
  context: Context,
  on: { close: (() => void) | undefined; newChat: () => void; copyAll: (button: HTMLButtonElement) => void },
) => {
  const { strings } = context;
  const title = h('h2', { class: 'title', id: 'tp-title', part: 'title' });
  const status = h('p', { class: 'status', part: 'status' });
  const menu = createMenu(context, on);
  const close =
    on.close &&
    h(
      'button',
      { type: 'button', class: 'head-button', part: 'close', 'aria-label': strings.close, onclick: on.close },
      icon('close', 20),
    );
  const element = h(
    'header',
    { class: 'header', part: 'header' },
    h('span', { class: 'face', 'aria-hidden': 'true' }, icon('chat', 20)),
    h('div', { class: 'names' }, title, status),
    menu.element,
    close,
  );
  let doing: string | undefined;
  const refresh = (): void => {
    title.textContent = context.name();
    status.textContent = doing ?? context.settings().status ?? strings.status;
    set(element, 'data-doing', doing !== undefined);
    menu.refresh();
  };
  refresh();
  return {
    element,
    refresh,
    closeButton: close,
    /** What goes on, in place of the status; undefined: nothing. */
    tell: (text: string | undefined): void => {
      doing = text;
      refresh();
    },
  };
};
