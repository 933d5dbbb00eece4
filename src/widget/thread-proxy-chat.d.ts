/**
 * Types of the chat bubble, for pages written in TypeScript: copy this file into your project, or load it from
 * `/widget.d.ts` of your service. docs/embed.md tells how to use it, also with JSX.
 */

/** What goes with the element's events, in `event.detail`. */
export interface ThreadProxyChatEvents {
  /** The visitor has sent a message. */
  message: CustomEvent<{ text: string }>;
  /** An answer is whole. */
  answer: CustomEvent<{
    /** Names the exchange in the log. */
    id: string;
    /** Markdown. */
    text: string;
    truncated: boolean;
    sources: readonly { n: number; title: string; url?: string; place?: string }[];
  }>;
  /** A message could not be sent or answered. `code` is one of docs/api.md, or `connection_lost`. */
  error: CustomEvent<{ code: string; message: string }>;
  open: CustomEvent<Record<string, never>>;
  close: CustomEvent<Record<string, never>>;
  feedback: CustomEvent<{ id: string; rating: 'up' | 'down' | null; comment?: string }>;
}

/** The attributes, as they are written in HTML and JSX. */
export interface ThreadProxyChatAttributes {
  /** The service's address; absent: where widget.js came from. */
  server?: string;
  /** `inline`: the chat is a part of the page, as large as the element. */
  mode?: 'floating' | 'inline';
  title?: string;
  status?: string;
  greeting?: string;
  /** A JSON array, or questions with `|` between them; four at most. */
  suggestions?: string;
  placeholder?: string;
  /** Any CSS colour. */
  accent?: string;
  theme?: 'light' | 'dark' | 'auto';
  position?: 'left' | 'right';
  lang?: string;
  'privacy-url'?: string;
  /** `allow`: images in answers are shown. */
  images?: 'allow' | 'off';
  /** A session token that the site's server has made for its user. */
  'user-token'?: string;
}

export interface ThreadProxyChatElement extends HTMLElement {
  server: string;
  mode: 'floating' | 'inline';
  greeting: string;
  suggestions: readonly string[];
  accent: string;
  theme: 'light' | 'dark' | 'auto';
  position: 'left' | 'right' | '';
  privacyUrl: string;
  /** A token, or a function that gets one: it is asked again when the last one is about to end. */
  userToken: string | (() => Promise<string>) | undefined;
  /** Whether the panel is shown. */
  readonly isOpen: boolean;
  open(): Promise<void>;
  close(): void;
  /** Sends a message as the visitor. @returns Whether it was taken: it is not while an answer is being given. */
  send(text: string): Promise<boolean>;
  /** Clears the conversation, for the assistant, too. @returns Whether it could be done. */
  clear(): Promise<boolean>;
  addEventListener<K extends keyof ThreadProxyChatEvents>(
    type: K,
    listener: (this: ThreadProxyChatElement, event: ThreadProxyChatEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'thread-proxy-chat': ThreadProxyChatElement;
  }
}
