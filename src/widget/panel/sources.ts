import { h } from '../dom.ts';
import type { Source } from '../protocol/chat.ts';
import type { Strings } from '../strings/en.ts';
import { linkTo, safeUrl, withoutBidiControls } from './links.ts';

/** The documents that an answer quotes, as numbered chips. */
export const sourceList = (sources: readonly Source[], strings: Strings): HTMLElement => {
  const chips = sources.map(({ n, title, url, place }) => {
    const safe = safeUrl(url, ['http:', 'https:']);
    const chip = h(
      safe ? 'a' : 'span',
      { class: 'source' },
      h('span', { class: 'source-n' }, String(n)),
      h('bdi', { class: 'source-title' }, withoutBidiControls(title)),
      place && h('bdi', { class: 'source-place' }, withoutBidiControls(place)),
    );
    if (safe && chip instanceof HTMLAnchorElement) {
      linkTo(chip, safe);
      chip.append(h('span', { class: 'sr' }, ` (${strings.newTab})`));
    }
    return h('li', {}, chip);
  });
  return h('ul', { class: 'sources', part: 'sources', 'aria-label': strings.sources }, ...chips);
};

/** Makes the marks `[1]` of a text links to what they stand for. */
export const linkMarks = (
  marks: ReadonlyMap<HTMLAnchorElement, number>,
  sources: readonly Source[],
): void => {
  for (const [anchor, n] of marks) {
    const source = sources.find((one) => one.n === n);
    const url = safeUrl(source?.url, ['http:', 'https:']);
    if (!source || !url) continue;
    linkTo(anchor, url);
    anchor.title = withoutBidiControls(source.title);
  }
};
