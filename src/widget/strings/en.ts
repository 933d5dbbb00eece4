/** The widget's words in English; every other language has the same keys. */
export const en = {
  close: 'Close chat',
  name: 'Assistant',
  /** Below the title. */
  status: 'Usually answers at once',
  /** Said first, where the owner has set nothing. */
  greeting: 'Hi! How can I help you?',
  aiNote: 'You are chatting with an AI. It can make mistakes.',
  placeholder: 'Write a message…',
  send: 'Send',
  stop: 'Stop',
  menu: 'Menu',
  newChat: 'New chat',
  newChatAsk: 'Start a new chat? This conversation will be cleared.',
  cancel: 'Cancel',
  copyTranscript: 'Copy conversation',
  copied: 'Copied',
  privacy: 'Privacy',
  /** Who wrote a message. */
  you: 'You',
  copy: 'Copy',
  copyCode: 'Copy code',
  code: 'Code',
  table: 'Table',
  good: 'Good answer',
  bad: 'Bad answer',
  ask: 'What could be better? (optional)',
  sendFeedback: 'Send feedback',
  thanks: 'Thank you',
  feedbackFailed: 'Your feedback could not be sent',
  sources: 'Sources',
  stopped: 'Stopped',
  truncated: 'The answer was cut short',
  retry: 'Try again',
  /** After the title. */
  typing: 'is typing',
  earlier: 'Earlier messages',
  jump: 'Newest messages',
  conversation: 'Conversation',
  loading: 'Loading the conversation…',
  historyFailed: 'Earlier messages could not be loaded',
  offline: 'You are offline. You can send again once you are connected.',
  reconnecting: 'Reconnecting…',
  refused: 'The chat is not available on this website.',
  ended: 'This conversation has ended.',
  startOver: 'Start a new chat',
  /** `{time}`: minutes and seconds. */
  limited: 'You can write again in {time}',
  budget: 'The daily limit is reached. Please come back tomorrow.',
  failed: 'The answer failed. Please try again.',
  busy: 'The assistant is busy. Please try again in a moment.',
  unavailable: 'The assistant is not available at the moment.',
  lost: 'The connection was lost.',
  tooLong: 'The message is too long.',
  /** `{n}`: a number. */
  left: '{n} characters left',
  suggestions: 'Suggested questions',
  /** For screen readers, of a link. */
  newTab: 'opens in a new tab',
};

export type Strings = typeof en;
