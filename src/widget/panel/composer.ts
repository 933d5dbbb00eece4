import { h, set } from '../dom.ts';
import type { Context } from './context.ts';
import { icon } from './icons.ts';

/** Where the visitor writes. */
export interface Composer {
  readonly element: HTMLFormElement;
  focus(): void;
  /** Puts a text that was not taken back; what was written meanwhile stays. */
  putBack(text: string): void;
  /** Whether an answer is being given: the button stops it then. */
  setRunning(isRunning: boolean): void;
  setDisabled(isDisabled: boolean): void;
  refresh(): void;
}

/** The keyCode of every key that an input method handles. */
const IME_KEY = 229;

export const createComposer = (
  context: Context,
  on: { send: (text: string) => boolean; stop: () => void },
): Composer => {
  const { strings } = context;
  const area = h('textarea', {
    rows: 1,
    dir: 'auto',
    part: 'input',
    enterkeyhint: 'send',
    autocomplete: 'off',
    'aria-describedby': 'tp-count',
  });
  const button = h('button', { type: 'submit', class: 'send', part: 'send' });
  const count = h('span', { class: 'count', id: 'tp-count', role: 'status', hidden: true });
  const element = h('form', { class: 'composer', part: 'composer' }, area, count, button);
  let isRunning = false;

  const grow = (): void => {
    area.style.setProperty('height', 'auto');
    // Its style sheet ends the growth at five lines.
    area.style.setProperty('height', `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`);
  };

  const show = (): void => {
    const left = context.settings().maxMessageChars - area.value.trim().length;
    const isTooLong = left < 0;
    const isNear = left < context.settings().maxMessageChars / 10;
    count.hidden = !isNear;
    count.textContent = isTooLong
      ? `${strings.tooLong} (${left})`
      : isNear
        ? strings.left.replace('{n}', String(left))
        : '';
    count.classList.toggle('danger', isTooLong);
    set(area, 'aria-invalid', isTooLong ? 'true' : null);
    button.disabled = area.disabled || (!isRunning && (area.value.trim() === '' || isTooLong));
  };

  const showButton = (): void => {
    const label = isRunning ? strings.stop : strings.send;
    button.replaceChildren(icon(isRunning ? 'stop' : 'send', 20));
    button.setAttribute('aria-label', label);
    button.title = label;
    show();
  };

  const submit = (): void => {
    if (isRunning || area.disabled || area.value.trim().length > context.settings().maxMessageChars) return;
    const text = area.value;
    // Emptied first: a second Enter, however fast, finds nothing to send.
    area.value = '';
    if (!on.send(text)) area.value = text;
    grow();
    show();
  };

  area.addEventListener('input', () => {
    grow();
    show();
  });
  area.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
    // The Enter that takes over what an input method proposes. Safari ends the composition before it tells of the key, so
    // that only the key's code gives it away.
    if (event.isComposing || event.keyCode === IME_KEY) return;
    event.preventDefault();
    submit();
  });
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isRunning) on.stop();
    else submit();
    area.focus();
  });

  const refresh = (): void => {
    const text = context.settings().placeholder ?? strings.placeholder;
    area.placeholder = text;
    area.setAttribute('aria-label', text);
    show();
  };
  showButton();
  refresh();

  return {
    element,
    refresh,
    focus: () => area.focus({ preventScroll: true }),
    putBack: (text) => {
      area.value = area.value.trim() === '' ? text : `${text}\n${area.value}`;
      grow();
      show();
    },
    setRunning: (next) => {
      if (next === isRunning) return;
      isRunning = next;
      showButton();
    },
    setDisabled: (isDisabled) => {
      area.disabled = isDisabled;
      show();
    },
  };
};
