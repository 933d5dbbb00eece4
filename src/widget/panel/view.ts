import type { ConversationView } from '../client/conversation.ts';
import { noticeOf } from '../client/notice.ts';
import type { Composer } from './composer.ts';
import type { Context, PanelHost } from './context.ts';
import { failureText } from './failures.ts';
import type { Frame } from './frame.ts';
import type { MessageList } from './list.ts';
import type { createNoticeBar } from './notice-bar.ts';

interface Parts {
  readonly context: Context;
  readonly list: MessageList;
  readonly notices: ReturnType<typeof createNoticeBar>;
  readonly composer: Composer;
  readonly host: PanelHost;
  readonly frame: Frame;
  readonly updateState: () => void;
}

/** Shows on the page what happens in the conversation, and tells the page of it. */
export const conversationView = (parts: Parts): ConversationView => {
  const { context, list, notices, composer, host, frame, updateState } = parts;
  const told = new Set<string>();
  return {
    onEntry: (entry) => {
      list.update(entry);
      updateState();
      if (entry.state === 'sending' && !told.has(entry.key)) {
        told.add(entry.key);
        host.emit('message', { text: entry.user });
        context.say(`${context.name()} ${context.strings.typing}`);
      }
    },
    onDelta: (entry) => list.append(entry),
    onRemoved: (key) => {
      list.remove(key);
      updateState();
    },
    onOlder: (entries, hasMore) => list.prepend(entries, hasMore),
    onCleared: () => {
      list.clear();
      updateState();
    },
    onNotice: (notice) => notices.show(notice),
    onReturned: (text) => composer.putBack(text),
    onAnswer: (entry) => {
      // The whole answer at once: word by word nobody could listen to it.
      context.say(`${context.name()}: ${list.spoken(entry.key) || entry.text}`);
      if (!frame.isShown()) host.onUnread();
      const { id, text, truncated = false, sources = [] } = entry;
      host.emit('answer', { id, text, truncated, sources });
    },
    onError: (code, message) => {
      // What a notice tells is spoken by it.
      if (!noticeOf(code, undefined)) context.say(failureText(code, message, context.strings));
      host.emit('error', { code, message });
    },
  };
};
