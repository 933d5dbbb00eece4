import { type Conversation, createConversation } from '../client/conversation.ts';
import { h, sheet } from '../dom.ts';
import { en } from '../strings/en.ts';
import { loadStrings } from '../strings/languages.ts';
import { createComposer } from './composer.ts';
import { askToClear } from './confirm.ts';
import type { Context, PanelHost } from './context.ts';
import { copyText } from './copy.ts';
import { createFrame } from './frame.ts';
import { createHeader } from './header.ts';
import { createList } from './list.ts';
import { createNoticeBar } from './notice-bar.ts';
import css from './panel.css';
import { conversationView } from './view.ts';

/** The chat, behind the button. */
export interface Panel {
  /** @param isWanted Whether the visitor asked for it: the focus goes there only then. */
  open(isWanted: boolean): void;
  close(): void;
  send(text: string): boolean;
  /** @throws where it cannot be done now. */
  clear(): Promise<void>;
  /** Settings have changed. */
  refresh(): void;
  /** The conversation is another visitor's from now on. */
  restart(): void;
  end(): void;
}

/** Makes the panel; it is not shown yet. Called by the button's script, from which it is loaded. */
export const createPanel = async (host: PanelHost): Promise<Panel> => {
  const strings = { ...en, ...(await loadStrings(host.language)) };
  host.shadow.adoptedStyleSheets = [...host.shadow.adoptedStyleSheets, sheet(css)];
  const speaker = h('div', { class: 'sr', role: 'status', 'aria-live': 'polite' });
  let conversation: Conversation;

  const context: Context = {
    strings,
    // The region that the browser is set to decides how times look.
    language: navigator.languages.find((tag) => tag.split('-')[0] === host.language) ?? host.language,
    settings: host.settings,
    conversation: () => conversation,
    say: (text) => {
      speaker.textContent = text;
    },
    focusInput: () => composer.focus(),
    emit: host.emit,
    name: () => host.settings().title ?? strings.name,
  };

  const transcript = (): string =>
    conversation
      .entries()
      .flatMap(({ user, text }) => [
        `${strings.you}: ${user}`,
        ...(text ? [`${context.name()}: ${text}`] : []),
      ])
      .join('\n\n');

  const clear = async (): Promise<void> => {
    await conversation.clear();
    composer.focus();
  };

  const isInline = host.settings().isInline;
  const header = createHeader(context, {
    close: isInline ? undefined : () => frame.close(),
    newChat: () => {
      if (conversation.entries().length > 0) askToClear(context, body, clear);
      else composer.focus();
    },
    copyAll: async () => {
      if (await copyText(transcript())) {
        header.tell(strings.copied);
        context.say(strings.copied);
        setTimeout(() => header.tell(undefined), 1_600);
      }
    },
  });
  const send = (text: string): boolean => conversation.send(text);
  const list = createList(context, (text) => {
    if (send(text)) composer.focus();
  });
  const notices = createNoticeBar(context, { changed: () => updateState() });
  const composer = createComposer(context, { send, stop: () => void conversation.stop() });
  const body = h('div', { class: 'body' }, list.element, notices.element, composer.element);
  const frame = createFrame({
    isInline,
    parts: [header.element, body, speaker],
    root: host.root,
    onShown: (isShown) => {
      host.onShown(isShown);
      if (isShown) list.toEnd();
    },
  });

  const updateState = (): void => {
    const type = notices.current()?.type;
    // Those stand in place of the input; below the others it can go on.
    const isClosed = type === 'limited' || type === 'budget' || type === 'refused' || type === 'ended';
    composer.element.hidden = isClosed;
    composer.setRunning(conversation.running() !== undefined);
    header.tell(
      type === 'reconnecting' ? strings.reconnecting : type === 'loading' ? strings.loading : undefined,
    );
  };

  const view = conversationView({ context, list, notices, composer, host, frame, updateState });
  const begin = (): Conversation => {
    const { server } = host.settings();
    return createConversation({ server, userToken: host.userToken, view });
  };
  const restore = (): void => {
    // What it cannot do it has told the visitor.
    conversation.restore().catch(() => undefined);
  };
  conversation = begin();
  restore();

  return {
    open: (isWanted) => {
      frame.open();
      if (isWanted && !isInline) focusIn();
    },
    close: () => frame.close(),
    send,
    clear: () => conversation.clear(),
    refresh: () => {
      header.refresh();
      list.refresh();
      composer.refresh();
    },
    restart: () => {
      conversation.end();
      list.clear();
      conversation = begin();
      restore();
    },
    end: () => {
      notices.stop();
      conversation.end();
      frame.end();
    },
  };

  /** With a finger, an input that takes the focus brings up a keyboard over what there is to read. */
  function focusIn(): void {
    if (matchMedia('(pointer: coarse)').matches) header.closeButton?.focus({ preventScroll: true });
    else composer.focus();
  }
};
