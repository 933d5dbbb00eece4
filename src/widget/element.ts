import type { UserToken } from './client/session.ts';
import { paletteOf } from './color.ts';
import { h, sheet } from './dom.ts';
import { giveFocusBack } from './focus.ts';
import css from './launcher.css';
import { createLauncher } from './launcher.ts';
import { leftBehind, rememberShown } from './left-behind.ts';
import type { PanelHost } from './panel/context.ts';
import type { Panel } from './panel/panel.ts';
import { addAccessors, upgradeProperties } from './properties.ts';
import type { WidgetSettings } from './protocol/widget-settings.ts';
import { safely } from './safely.ts';
import { ATTRIBUTES, type AttributeName, fetchSettings, type Settings, settingsOf } from './settings.ts';
import { chooseLanguage, directionOf } from './strings/choose.ts';
import type { ThreadProxyChatElement } from './thread-proxy-chat.d.ts';

/** Where this script came from, and how the rest of it is got. */
export interface Origin {
  readonly server: string;
  loadPanel(): Promise<{ createPanel(host: PanelHost): Promise<Panel> }>;
}

/** Makes the element's class: it has to know where it came from, and may be there twice on a page. */
export const defineElement = ({ server: home, loadPanel }: Origin): CustomElementConstructor => {
  class ThreadProxyChat extends HTMLElement implements Omit<ThreadProxyChatElement, 'addEventListener'> {
    static readonly observedAttributes = ATTRIBUTES;

    declare server: string;
    declare mode: 'floating' | 'inline';
    declare greeting: string;
    declare suggestions: readonly string[];
    declare accent: string;
    declare theme: 'light' | 'dark' | 'auto';
    declare position: 'left' | 'right' | '';
    declare privacyUrl: string;

    #service: WidgetSettings = {};
    #title: string | undefined;
    #token: UserToken | undefined;
    #root: HTMLDivElement | undefined;
    #panel: Promise<Panel> | undefined;
    #ready: Panel | undefined;
    #isOpen = false;
    #isRestarting = false;
    /** What had the focus when the panel was opened. */
    #before: Element | null = null;
    #life = new AbortController();
    readonly #launcher = createLauncher(
      () => void safely(() => (this.#isOpen ? this.close() : void this.open())),
    );
    readonly #dark = matchMedia('(prefers-color-scheme: dark)');

    get isOpen(): boolean {
      return this.#isOpen;
    }

    get userToken(): UserToken | undefined {
      return this.#token ?? this.getAttribute('user-token') ?? undefined;
    }

    set userToken(token: UserToken | undefined) {
      this.#token = typeof token === 'function' ? token : undefined;
      if (typeof token === 'string') this.setAttribute('user-token', token);
      else this.removeAttribute('user-token');
      this.#restartSoon();
    }

    connectedCallback(): void {
      safely(() => this.#connect());
    }

    disconnectedCallback(): void {
      safely(() => {
        this.#life.abort();
        this.#ready?.end();
        this.#ready = undefined;
        this.#panel = undefined;
        this.#isOpen = false;
        this.#root?.remove();
        this.#root = undefined;
      });
    }

    attributeChangedCallback(name: string, before: string | null, value: string | null): void {
      if (name === 'title' && value !== null) {
        // As an attribute it would be shown as a tooltip, wherever the mouse is in the chat.
        this.#title = value;
        this.removeAttribute('title');
      }
      if (!this.#root || before === value) return;
      safely(() => {
        if (name === 'mode' || name === 'lang' || name === 'server') this.#reconnect();
        else if (name === 'user-token') this.#restartSoon();
        this.#refresh();
      });
    }

    /** Shows the panel; it is loaded first where it is not there yet. */
    async open(): Promise<void> {
      await this.#show(true);
    }

    close(): void {
      safely(() => this.#ready?.close());
    }

    async send(text: string): Promise<boolean> {
      const panel = await this.#load();
      return panel?.send(text) ?? false;
    }

    async clear(): Promise<boolean> {
      const panel = await this.#load();
      const cleared = panel?.clear().then(
        () => true,
        () => false,
      );
      return (await cleared) ?? false;
    }

    #connect(): void {
      if (this.#root) return;
      upgradeProperties(this);
      this.#life = new AbortController();
      const { signal } = this.#life;
      const shadow = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
      if (shadow.adoptedStyleSheets.length === 0) shadow.adoptedStyleSheets = [sheet(css)];
      const root = h('div', { class: 'root' });
      this.#root = root;
      shadow.append(root);
      this.#dark.addEventListener('change', () => this.#refresh(), { signal });
      this.#start(signal).catch(() => undefined);
    }

    async #start(signal: AbortSignal): Promise<void> {
      const settings = this.#settings();
      const known = fetchSettings(settings.server);
      // An inline chat is to be seen at once; the words that the service has for it may come after it.
      if (!settings.isInline) this.#service = await known;
      if (signal.aborted || !this.#root) return;
      if (!settings.isInline) this.#root.append(this.#launcher.element);
      this.#refresh();
      const { isWanted, isPending } = leftBehind(settings.server);
      if (settings.isInline) {
        await this.#load();
        this.#service = await known;
        this.#refresh();
      } else if (isWanted) await this.#show(false);
      else if (isPending) await this.#load();
    }

    /** Once, however often the visitor changes meanwhile. */
    #restartSoon(): void {
      const ready = this.#ready;
      if (!ready || this.#isRestarting) return;
      this.#isRestarting = true;
      queueMicrotask(() => {
        this.#isRestarting = false;
        if (ready === this.#ready) safely(() => ready.restart());
      });
    }

    #reconnect(): void {
      this.disconnectedCallback();
      this.connectedCallback();
    }

    #settings(): Settings {
      const attribute = (name: AttributeName): string | undefined =>
        name === 'title' ? this.#title : (this.getAttribute(name) ?? undefined);
      const server = (attribute('server') ?? home).replace(/\/+$/, '');
      return settingsOf(server, attribute, this.#service);
    }

    #refresh(): void {
      const root = this.#root;
      if (!root) return;
      const settings = this.#settings();
      const language = chooseLanguage(settings.languages);
      const theme = settings.theme === 'auto' ? (this.#dark.matches ? 'dark' : 'light') : settings.theme;
      Object.assign(root.dataset, {
        theme,
        mode: settings.isInline ? 'inline' : 'floating',
        position: settings.position ?? 'end',
      });
      root.dir = directionOf(language);
      root.lang = language;
      const own = getComputedStyle(this).getPropertyValue('--chat-accent').trim();
      const palette = paletteOf(own || settings.accent, theme, root);
      for (const [name, value] of Object.entries(palette)) root.style.setProperty(`--_${name}`, value);
      this.#launcher.setLanguage(language);
      this.#ready?.refresh();
    }

    #load(): Promise<Panel | undefined> {
      const root = this.#root;
      const shadow = this.shadowRoot;
      if (!root || !shadow) return Promise.resolve(undefined);
      const { signal } = this.#life;
      this.#panel ??= (async () => {
        const { createPanel } = await loadPanel();
        const panel = await createPanel({
          root,
          shadow,
          language: chooseLanguage(this.#settings().languages),
          settings: () => this.#settings(),
          userToken: () => this.userToken,
          emit: (type, detail) => this.#emit(type, detail),
          onUnread: () => this.#launcher.setUnread(true),
          onShown: (isShown) => this.#shown(isShown),
        });
        if (signal.aborted) panel.end();
        else this.#ready = panel;
        return panel;
      })();
      return this.#panel.catch(() => {
        // The next click tries again.
        this.#panel = undefined;
        this.#emit('error', { code: 'connection_lost', message: '' });
        return undefined;
      });
    }

    async #show(isWanted: boolean): Promise<void> {
      this.#before = isWanted ? document.activeElement : null;
      this.#launcher.element.setAttribute('aria-busy', 'true');
      const panel = await this.#load();
      this.#launcher.element.removeAttribute('aria-busy');
      panel?.open(isWanted);
    }

    #shown(isShown: boolean): void {
      if (this.#settings().isInline || this.#isOpen === isShown) return;
      this.#isOpen = isShown;
      this.#launcher.setOpen(isShown);
      if (isShown) this.#launcher.setUnread(false);
      else giveFocusBack(this, this.#before, this.#launcher.element);
      rememberShown(this.#settings().server, isShown);
      this.#emit(isShown ? 'open' : 'close', {});
    }

    #emit(type: string, detail: object): void {
      safely(() => this.dispatchEvent(new CustomEvent(type, { detail })));
    }
  }

  addAccessors(ThreadProxyChat.prototype);
  return ThreadProxyChat;
};
