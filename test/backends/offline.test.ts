import { describe, expect, it } from 'vitest';
import { callsTo, startChildService } from '../helpers/child-service.ts';

describe('the offline assistant', () => {
  it('ends a quotation with one mark, whatever the visitor ended the message with', async () => {
    const { url } = await startChildService({ BACKEND: 'offline', RATE_LIMIT: 'off' });
    const ask = async (user_id: string, message: string) =>
      (await callsTo(url).post({ user_id, message })).body.answer;
    expect(await ask('ann', 'I am new here.')).toMatch(/^You said: "I am new here\." This is message 1 /);
    expect(await ask('ann', 'What did I say first?')).toMatch(/was: "I am new here\." This is message 2 /);
    expect(await ask('ben', 'What did I say first?')).toMatch(/before "What did I say first\?"$/);
    expect(await ask('cleo', 'Hello')).toMatch(/^You said: "Hello"\. This /);
    expect(await ask('dan', 'x'.repeat(300))).toMatch(/^You said: "x{200}…" This /);
  });
});
