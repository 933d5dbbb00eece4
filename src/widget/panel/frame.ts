import { h } from '../dom.ts';

/** What holds the panel: a dialog that opens from the button, or a part of the page. */
export interface Frame {
  open(): void;
  close(): void;
  isShown(): boolean;
  end(): void;
}

/** Below this size the panel takes the whole screen. The style sheet has the same. */
const FULL_SCREEN = '(max-width: 479.9px), (max-height: 419.9px)';

export const createFrame = (deps: {
  isInline: boolean;
  parts: readonly HTMLElement[];
  root: HTMLElement;
  onShown: (isShown: boolean) => void;
}): Frame => {
  const { isInline, parts, root, onShown } = deps;
  const attributes = { class: 'panel', part: 'panel', 'aria-labelledby': 'tp-title' };
  if (isInline) {
    const section = h('section', attributes, ...parts);
    root.append(section);
    return { open: () => onShown(true), close: () => {}, isShown: () => true, end: () => section.remove() };
  }
  const dialog = h('dialog', attributes, ...parts);
  root.append(dialog);
  const life = new AbortController();
  const { signal } = life;
  const small = matchMedia(FULL_SCREEN);

  /** On a small screen nothing else is to be reached; on a large one the page beside it stays alive. */
  const show = (): void => {
    if (small.matches) dialog.showModal();
    else dialog.show();
    keepToScreen();
  };
  const giveBack = (before: Element | null): void => {
    const own = (dialog.getRootNode() as ShadowRoot).activeElement;
    if (own instanceof HTMLElement) own.blur();
    if (before instanceof HTMLElement && before !== document.body) before.focus({ preventScroll: true });
  };
  const close = (): void => {
    if (!dialog.open) return;
    dialog.close();
    onShown(false);
  };
  const open = (): void => {
    if (dialog.open) return;
    // The browser moves the focus by itself when a dialog opens; whoever opens this one says where it goes.
    const before = document.activeElement;
    show();
    if (!small.matches) giveBack(before);
    onShown(true);
  };

  /** An on-screen keyboard takes room without telling the layout: the panel keeps to what is left. */
  const keepToScreen = (): void => {
    const { visualViewport: seen } = window;
    if (!seen) return;
    // Zoomed in with two fingers the visitor looks at a part of the page; that is no keyboard.
    const isKeyboard = small.matches && seen.scale < 1.05;
    dialog.style.setProperty('--_height', isKeyboard ? `${seen.height}px` : '100dvh');
    dialog.style.setProperty('--_top', isKeyboard ? `${seen.offsetTop}px` : '0px');
  };
  for (const name of ['resize', 'scroll'])
    window.visualViewport?.addEventListener(name, keepToScreen, { signal });

  small.addEventListener(
    'change',
    () => {
      if (!dialog.open) return;
      // Between the two ways of being open there is no other way than this.
      const focused = (dialog.getRootNode() as ShadowRoot).activeElement;
      dialog.close();
      show();
      if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    },
    { signal },
  );
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  return {
    open,
    close,
    isShown: () => dialog.open,
    end: () => {
      life.abort();
      dialog.remove();
    },
  };
};
