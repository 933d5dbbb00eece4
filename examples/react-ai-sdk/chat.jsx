// A React chat on `useChat` of the AI SDK (npm i ai @ai-sdk/react). The service speaks its protocol at /api/chat/ai-sdk.
import { useChat } from '@ai-sdk/react';
import { DefaultChatTransport } from 'ai';
import { useState } from 'react';

// One conversation per browser. Its id opens the conversation, so it must not be guessable.
const conversation = () => {
  const kept = localStorage.getItem('chat-id') ?? crypto.randomUUID();
  localStorage.setItem('chat-id', kept);
  return kept;
};

export const Chat = ({ server = 'https://chat.example.org', token }) => {
  const [text, setText] = useState('');
  const { messages, sendMessage, status, error, stop } = useChat({
    id: conversation(),
    resume: true,
    transport: new DefaultChatTransport({
      api: `${server}/api/chat/ai-sdk`,
      // A session token from your own server, for users who are signed in (docs/identity.md).
      headers: token ? { Authorization: `Bearer ${token}` } : {},
    }),
  });
  const isBusy = status === 'submitted' || status === 'streaming';
  const send = (event) => {
    event.preventDefault();
    if (text.trim() === '' || isBusy) return;
    sendMessage({ text });
    setText('');
  };
  return (
    <section>
      {messages.map(({ id, role, parts }) => (
        <p key={id} data-role={role}>
          {parts.map((part) => (part.type === 'text' ? part.text : ''))}
        </p>
      ))}
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={send}>
        <input value={text} onChange={(event) => setText(event.target.value)} aria-label="Message" />
        {isBusy ? (
          <button type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="submit">Send</button>
        )}
      </form>
    </section>
  );
};
