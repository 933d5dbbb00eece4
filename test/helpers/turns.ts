import { readEvents } from './events.ts';
import type { EventAnswer } from './service.ts';

/** Reads an exchange's events, those after the event `after` if given. Leaving the loop closes the connection. */
export const resume = async (
  service: { url: string },
  id: string | undefined,
  after?: string,
  headers: Record<string, string> = {},
): Promise<EventAnswer> => {
  const response = await fetch(`${service.url}/api/chat/${id}/events`, {
    headers: { ...headers, ...(after === undefined ? {} : { 'Last-Event-ID': after }) },
  });
  return { response, events: readEvents(response) };
};

/** Stops an exchange's turn; gives the status. */
export const stopTurn = async (
  service: { url: string },
  id: string | undefined,
  headers: Record<string, string> = {},
): Promise<number> => (await fetch(`${service.url}/api/chat/${id}`, { method: 'DELETE', headers })).status;
