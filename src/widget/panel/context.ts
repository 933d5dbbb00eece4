import type { Conversation } from '../client/conversation.ts';
import type { UserToken } from '../client/session.ts';
import type { Settings } from '../settings.ts';
import type { Strings } from '../strings/en.ts';

/** What the panel may do to the element that it belongs to. */
export interface PanelHost {
  /** Where the panel goes. */
  readonly root: HTMLElement;
  readonly shadow: ShadowRoot;
  readonly language: string;
  settings(): Settings;
  userToken(): UserToken | undefined;
  emit(type: string, detail: object): void;
  /** An answer has come, and nobody has seen it. */
  onUnread(): void;
  onShown(isShown: boolean): void;
}

/** What the parts of the panel share. */
export interface Context {
  readonly strings: Strings;
  readonly language: string;
  settings(): Settings;
  conversation(): Conversation;
  /** Speaks to screen readers. */
  say(text: string): void;
  focusInput(): void;
  emit(type: string, detail: object): void;
  /** The assistant's name. */
  name(): string;
}
