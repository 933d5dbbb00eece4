import { h } from '../dom.ts';
import type { Context } from './context.ts';

/** Asks before a conversation is cleared. @param run What to do then. */
export const askToClear = (context: Context, frame: HTMLElement, run: () => Promise<void>): void => {
  const { strings } = context;
  if (frame.querySelector('.confirm')) return;
  const before = frame.ownerDocument.activeElement?.shadowRoot?.activeElement;
  const close = (): void => {
    box.remove();
    if (before instanceof HTMLElement) before.focus();
  };
  const yes = h('button', { type: 'button', class: 'plain danger' }, strings.newChat);
  yes.addEventListener('click', async () => {
    yes.disabled = true;
    try {
      await run();
      close();
    } catch {
      text.textContent = strings.busy;
      yes.disabled = false;
    }
  });
  const text = h('p', { id: 'tp-confirm', role: 'status' }, strings.newChatAsk);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  const no = h('button', { type: 'button', class: 'plain', onclick: close }, strings.cancel);
  const box = h(
    'div',
    { class: 'confirm', role: 'group', 'aria-labelledby': 'tp-confirm', onkeydown: onKey },
    text,
    h('div', { class: 'row' }, yes, no),
  );
  frame.append(box);
  yes.focus();
};
