import type { Strings } from '../strings/en.ts';
import { icon } from './icons.ts';

/** How long a button says that it has copied. */
const SAID_MS = 1_600;

/** Copies by hand where the browser has no clipboard for this page: without TLS, or in a frame. */
const copyByHand = (text: string): boolean => {
  const area = document.createElement('textarea');
  area.value = text;
  area.style.setProperty('position', 'fixed');
  area.style.setProperty('opacity', '0');
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  return isCopied;
};

export const copyText = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    try {
      return copyByHand(text);
    } catch {
      return false;
    }
  }
};

/** Copies, and lets the button say so for a moment. */
export const onCopy = async (button: HTMLButtonElement, text: string, strings: Strings): Promise<void> => {
  if (button.dataset.copied || !(await copyText(text))) return;
  const label = button.getAttribute('aria-label') ?? '';
  const before = [...button.childNodes];
  button.dataset.copied = 'true';
  button.setAttribute('aria-label', strings.copied);
  button.replaceChildren(icon('check', 16));
  setTimeout(() => {
    delete button.dataset.copied;
    button.setAttribute('aria-label', label);
    button.replaceChildren(...before);
  }, SAID_MS);
};
