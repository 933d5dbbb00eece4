/** Which links an answer may have, and what is shown of them. */

const SCHEMES = ['http:', 'https:', 'mailto:'];

/** Characters that turn the direction of text around: an answer has no use for them, a deceiver has. */
const BIDI_CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g;

export const withoutBidiControls = (text: string): string => text.replace(BIDI_CONTROLS, '');

/**
 * The address of a link that may be opened; undefined for every other, such as `javascript:` in whatever spelling: the
 * browser's own parser decides what it is.
 * @param raw As it stands in the answer: perhaps in angle brackets, or with a title after it.
 */
export const safeUrl = (raw: string | undefined, schemes: readonly string[] = SCHEMES): URL | undefined => {
  const text = withoutBidiControls(raw ?? '')
    .trim()
    .replace(/\s+["'(].*$/s, '')
    .replace(/^<(.*)>$/s, '$1');
  // Without a base: an answer does not know the page that it stands on.
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isAllowed = schemes.includes(url.protocol) && url.username === '' && url.password === '';
  return isAllowed ? url : undefined;
};

/** Makes an `<a>` a link that opens elsewhere and tells nothing of where it came from. */
export const linkTo = (anchor: HTMLAnchorElement, url: URL): void => {
  anchor.href = url.href;
  anchor.target = '_blank';
  anchor.rel = 'noopener noreferrer nofollow';
  // The address as it is, with the letters of other scripts that look alike written out (xn--…).
  anchor.title = url.href;
};

/** The host that a link goes to, where its text names another one; undefined where nobody is misled. */
export const hiddenHost = (text: string, url: URL): string | undefined => {
  const shown = /(?:^|[\s/@(])((?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,})/u.exec(text)?.[1];
  const host = url.protocol === 'mailto:' ? url.pathname.split('@').at(-1) : url.hostname;
  if (!shown || !host) return undefined;
  const plain = (name: string): string => name.toLowerCase().replace(/^www\./, '');
  const asTyped = URL.canParse(`https://${shown}`) ? new URL(`https://${shown}`).hostname : shown;
  // Text in other letters than the address has is told as it really is.
  return plain(asTyped) === plain(host) && !asTyped.includes('xn--') ? undefined : host;
};
