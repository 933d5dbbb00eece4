import type { Conversation } from '../client/conversation.ts';
import type { Settings } from '../settings.ts';
import type { Strings } from '../strings/en.ts';

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
