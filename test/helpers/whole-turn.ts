import { allEvents } from './events.ts';
import type { TestService } from './service.ts';
import { resume } from './turns.ts';

export const WORDS = { answer: () => 'one two three four five six', pace: 20 };
export const bearer = (token: string | undefined) => ({ Authorization: `Bearer ${token}` });

/** A whole turn of `ann`, as its first reader got it. */
export const wholeTurn = async (
  service: TestService,
  body: object = { user_id: 'ann', message: 'Count.' },
) => {
  const { events } = await service.stream(body);
  const all = await allEvents(events);
  return { all, id: all[0]?.data.id, token: all[0]?.data.session_token };
};

export const status = async (...call: Parameters<typeof resume>) => {
  const { response } = await resume(...call);
  await response.body?.cancel();
  return response.status;
};
