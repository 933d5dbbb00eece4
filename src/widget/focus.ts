/**
 * Gives the focus back when the panel closes.
 * @param chat The element of the chat.
 * @param before What had the focus when it was opened: a button of the page, perhaps.
 * @param launcher Our own button.
 */
export const giveFocusBack = (chat: Element, before: Element | null, launcher: HTMLElement): void => {
  const { activeElement: now, body } = document;
  // Whoever has gone on to something else in the page stays there.
  if (now !== chat && now !== body && now !== null) return;
  const isPages = before instanceof HTMLElement && before !== chat && before !== body;
  const target = isPages && before.isConnected ? before : launcher;
  target.focus({ preventScroll: true });
};
