import { describe, expect, it } from 'vitest';
import { badRequest, type Reply, refuses, SAYS, sharedScripted } from './scripted-upstream.ts';

describe('a thread that the upstream calls broken', () => {
  const scripted = {
    responses: sharedScripted('responses'),
    assistants: sharedScripted('assistants'),
  };

  it.each<[keyof typeof scripted, string, Reply]>([
    ['responses', 'no tool output', badRequest('No tool output found for function call call_1.', 'input')],
    [
      'responses',
      'a lost reasoning item',
      badRequest(
        "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
        'input',
      ),
    ],
    ['responses', 'something unknown', badRequest('Conversation state is invalid.')],
    ['responses', 'gone', refuses(410, '{"error":{"message":"Gone"}}')],
    ['assistants', 'something unknown', badRequest('Thread is corrupted.')],
    ['assistants', 'unprocessable', refuses(422, '{"detail":"bad thread"}')],
  ])('at %s is rebuilt, within the same message: %s', async (backend, _, refusal) => {
    const { service, runs, user_id } = scripted[backend]((__, count) =>
      count === 1 ? refusal : SAYS[backend](`Answer ${count}.`),
    );
    await service.post({ user_id, message: 'I like apples.' });
    const { status, body } = await service.post({ user_id, message: 'two' });
    expect([status, body.answer]).toEqual([200, 'Answer 2.']);
    expect(runs).toHaveLength(3);
  });

  it.each(['responses', 'assistants'] as const)('at %s is rebuilt once a message', async (backend) => {
    const { service, runs, user_id } = scripted[backend]((_, count) =>
      count === 0 ? SAYS[backend]('Hi.') : badRequest('Something is wrong.'),
    );
    await service.post({ user_id, message: 'one' });
    const { body } = await service.post({ user_id, message: 'two' });
    expect([body.error?.code, runs.length]).toEqual(['upstream_rejected', 3]);
  });

  it.each([
    [
      'for what the visitor wrote',
      refuses(400, '{"error":{"message":"Flagged.","code":"invalid_prompt","param":null}}'),
    ],
    ['for the model', badRequest('The model `m` does not exist', 'model')],
  ])('is not rebuilt where it is refused %s', async (_, refusal) => {
    const { service, runs, user_id } = scripted.responses((__, count) =>
      count === 0 ? SAYS.responses('Hi.') : refusal,
    );
    await service.post({ user_id, message: 'one' });
    await service.post({ user_id, message: 'two' });
    expect(runs).toHaveLength(2);
  });
});
