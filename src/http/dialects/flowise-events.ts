import type { NumberedEvent } from '../../chat/live-turns.ts';
import type { Source } from '../../chat/model.ts';
import { untold } from './client-form.ts';

/** One event of a stream, as flowise-embed reads it. */
export const data = (event: string, value: unknown): string =>
  `data: ${JSON.stringify({ event, data: value })}\n\n`;

export const toDocuments = (sources: readonly Source[] = []) =>
  sources.map(({ title, url, place }) => ({
    pageContent: title,
    metadata: { source: url ?? title, title, ...(place === undefined ? {} : { place }) },
  }));

/** @param chatId What the client calls the conversation. */
export const eventText =
  (chatId: string) =>
  ({ n, event }: NumberedEvent): string => {
    switch (event.type) {
      case 'accepted':
        return data('start', '');
      case 'delta':
        return data('token', event.text);
      case 'error':
        return data('error', event.error.message);
      case 'done': {
        const { exchange } = event;
        const documents = toDocuments(exchange.sources);
        const text = untold(n, exchange);
        return (
          (text === '' ? '' : data('token', text)) +
          (documents.length > 0 ? data('sourceDocuments', documents) : '') +
          data('metadata', {
            chatId,
            chatMessageId: exchange.id,
            question: exchange.user,
            sessionId: chatId,
          }) +
          data('end', '[DONE]')
        );
      }
    }
  };
