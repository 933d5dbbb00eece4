import { defineElement } from './element.ts';
import type { PanelHost } from './panel/context.ts';
import type { Panel } from './panel/panel.ts';
import { safely } from './safely.ts';
import { ATTRIBUTES } from './settings.ts';

/**
 * The script of `<script src="https://chat.example.com/widget.js" async></script>`: defines `<thread-proxy-chat>` and
 * puts one into the corner, unless the page has one already or says `data-auto="off"`.
 */

/** The file of the panel's chunk; the build puts its name here. */
declare const PANEL_FILE: string;

const TAG = 'thread-proxy-chat';

interface PanelModule {
  createPanel(host: PanelHost): Promise<Panel>;
}

/** The script's own tag; a module has none, so it is looked for. */
const ownScript = (): HTMLScriptElement | undefined => {
  const { currentScript } = document;
  if (currentScript instanceof HTMLScriptElement) return currentScript;
  const scripts = [...document.querySelectorAll<HTMLScriptElement>('script[src*="/widget.js"]')];
  return scripts.at(-1);
};

const start = (): void => {
  const script = ownScript();
  if (!script?.src) return;
  const base = new URL('.', script.src).href;
  const server = base.replace(/\/$/, '');
  let tries = 0;
  // A page that was loaded before the service was updated asks for a chunk that is gone by now; and a browser that could
  // not load a module once does not ask for it again.
  const loadPanel = (): Promise<PanelModule> =>
    import(base + PANEL_FILE).catch(() => import(`${base}widget/panel.js?${++tries}`));
  // Another copy may have been faster; its element serves this one, too.
  if (!customElements.get(TAG)) customElements.define(TAG, defineElement({ server, loadPanel }));
  if (script.dataset.auto === 'off') return;

  const place = (): void => {
    const others = [...document.querySelectorAll(TAG)];
    const isThere = others.some(
      (one) => one.getAttribute('server') === server || !one.hasAttribute('server'),
    );
    if (isThere || !document.body) return;
    const element = document.createElement(TAG);
    element.setAttribute('server', server);
    for (const name of ATTRIBUTES) {
      const value = script.getAttribute(`data-${name}`);
      if (value !== null) element.setAttribute(name, value);
    }
    // Bubbles of other services stay where they are.
    if (others.length > 0) element.style.setProperty('--chat-offset', `${others.length * 72}px`);
    document.body.append(element);
  };
  const placeSafely = (): void => void safely(place);
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', placeSafely);
  else placeSafely();
};

safely(start);
