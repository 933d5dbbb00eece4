import type { Notice } from '../client/notice.ts';
import { h } from '../dom.ts';
import type { Context } from './context.ts';
import { type IconName, icon } from './icons.ts';

/** Tells what stands in the way of the next message, and what to do about it. */
export const createNoticeBar = (context: Context, on: { changed: () => void }) => {
  const { strings } = context;
  const element = h('div', { class: 'notice', part: 'notice', hidden: true });
  let current: Notice | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;

  const fill = (name: IconName, text: string, ...more: (Node | undefined)[]): void => {
    element.replaceChildren(icon(name, 18), h('span', {}, text), ...more.filter((one) => one !== undefined));
  };

  const countdown = (until: number): void => {
    const clock = h('span', { class: 'clock', role: 'timer' });
    const tick = (): void => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds <= 0) show(undefined);
      else clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    };
    const [before = '', after = ''] = strings.limited.split('{time}');
    element.replaceChildren(icon('clock', 18), h('span', {}, before, clock, after));
    tick();
    timer = setInterval(tick, 500);
    context.say(strings.limited.replace('{time}', clock.textContent ?? ''));
  };

  // Their buttons go, and must not take the focus with them.
  const startOver = (): void => {
    context.conversation().startOver();
    context.focusInput();
  };
  const readAgain = (): void => {
    context
      .conversation()
      .restore()
      .catch(() => undefined);
    context.focusInput();
  };

  const show = (next: Notice | undefined): void => {
    // A countdown outlasts what is told meanwhile.
    clearInterval(timer);
    const isSame = current?.type === next?.type && next?.type !== 'limited';
    current = next;
    const isBar = next !== undefined && next.type !== 'reconnecting' && next.type !== 'loading';
    element.hidden = !isBar;
    element.dataset.type = next?.type ?? '';
    switch (next?.type) {
      case 'limited':
        countdown(next.until);
        break;
      case 'offline':
        fill('offline', strings.offline);
        break;
      case 'refused':
        fill('lock', strings.refused);
        break;
      case 'budget':
        fill('clock', strings.budget);
        break;
      case 'history-failed': {
        const again = {
          type: 'button',
          class: 'plain',
          onclick: readAgain,
        };
        fill('offline', strings.historyFailed, h('button', again, icon('retry', 15), strings.retry));
        break;
      }
      case 'ended': {
        const anew = {
          type: 'button',
          class: 'plain strong',
          onclick: startOver,
        };
        fill('chat', strings.ended, h('button', anew, strings.startOver));
        break;
      }
      default:
        element.replaceChildren();
    }
    if (isBar && !isSame && next.type !== 'limited') context.say(element.textContent ?? '');
    on.changed();
  };

  return {
    element,
    show: (next: Notice | undefined): void => {
      if (current?.type === 'limited' && next === undefined && current.until > Date.now()) return;
      show(next);
    },
    current: (): Notice | undefined => current,
    stop: (): void => clearInterval(timer),
  };
};
