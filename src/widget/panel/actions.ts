import type { Entry } from '../client/entry.ts';
import { h, set } from '../dom.ts';
import type { Rating } from '../protocol/chat.ts';
import type { Context } from './context.ts';
import { onCopy } from './copy.ts';
import { icon } from './icons.ts';

const MAX_COMMENT = 1_000;

/** Copy, thumbs, and what could be better: below an answer. */
export const answerActions = (entry: Entry, context: Context): HTMLElement => {
  const { strings } = context;
  const copy = h('button', { type: 'button', class: 'quiet', 'aria-label': strings.copy }, icon('copy', 16));
  copy.addEventListener('click', () => void onCopy(copy, entry.text, strings));

  const thumb = (rating: Rating, label: string): HTMLButtonElement =>
    h(
      'button',
      {
        type: 'button',
        class: 'quiet thumb',
        'aria-label': label,
        title: label,
        onclick: () => void rate(rating),
      },
      icon(rating, 16),
    );
  const thumbs = { up: thumb('up', strings.good), down: thumb('down', strings.bad) };
  const said = h('span', { class: 'muted', role: 'status' });
  const row = h('div', { class: 'actions', part: 'actions' }, copy, thumbs.up, thumbs.down, said);
  const box = h('div', {}, row);

  const show = (): void => {
    for (const rating of ['up', 'down'] as const) {
      set(thumbs[rating], 'aria-pressed', String(entry.rating === rating));
    }
    row.classList.toggle('kept', Boolean(entry.rating));
  };

  const tell = async (rating: Rating | null, comment?: string): Promise<boolean> => {
    const before = entry.rating ?? null;
    entry.rating = rating;
    show();
    try {
      await context.conversation().rate(entry, rating, comment);
      context.emit('feedback', { id: entry.id, rating, ...(comment ? { comment } : {}) });
      said.textContent = '';
      return true;
    } catch {
      entry.rating = before;
      said.textContent = strings.feedbackFailed;
      return false;
    } finally {
      show();
    }
  };

  let form: HTMLFormElement | undefined;
  const closeForm = (): void => {
    form?.remove();
    form = undefined;
  };

  const openForm = (): void => {
    const id = `comment-${entry.key}`;
    const area = h('textarea', { id, rows: 2, maxlength: MAX_COMMENT, dir: 'auto', class: 'comment' });
    const send = async (event: SubmitEvent): Promise<void> => {
      event.preventDefault();
      const comment = area.value.trim();
      if (comment !== '' && !(await tell('down', comment))) return;
      closeForm();
      said.textContent = strings.thanks;
      thumbs.down.focus();
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      // It closes the form, not the whole chat.
      event.stopPropagation();
      event.preventDefault();
      closeForm();
      thumbs.down.focus();
    };
    form = h(
      'form',
      { class: 'feedback', onsubmit: send, onkeydown: onKey },
      h('label', { for: id }, strings.ask),
      area,
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'submit', class: 'plain strong' }, strings.sendFeedback),
        h('button', { type: 'button', class: 'plain', onclick: closeForm }, strings.cancel),
      ),
    );
    box.append(form);
    area.focus();
    form.scrollIntoView?.({ block: 'nearest' });
  };

  const rate = async (rating: Rating): Promise<void> => {
    closeForm();
    const next = entry.rating === rating ? null : rating;
    const isTold = await tell(next);
    if (isTold && next === 'down') openForm();
    else if (isTold && next === 'up') said.textContent = strings.thanks;
  };

  show();
  return box;
};
