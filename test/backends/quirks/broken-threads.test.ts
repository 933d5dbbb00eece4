import { describe, expect, it } from 'vitest';
import type { BackendName } from '../../helpers/service.ts';
import { badRequest, type Reply, refuses, SAYS, startScripted } from './scripted-upstream.ts';

describe('a thread that the upstream calls broken', () => {
  it.each<[BackendName, string, Reply]>([
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
    const { service, runs } = await startScripted(backend, (__, count) =>
      count === 1 ? refusal : SAYS[backend](`Answer ${count}.`),
    );
    await service.post({ user_id: 'ann', message: 'I like apples.' });
    const { status, body } = await service.post({ user_id: 'ann', message: 'two' });
    expect([status, body.answer]).toEqual([200, 'Answer 2.']);
    expect(runs).toHaveLength(3);
  });

  it.each(['responses', 'assistants'] as const)('at %s is rebuilt once a message', async (backend) => {
    const { service, runs } = await startScripted(backend, (_, count) =>
      count === 0 ? SAYS[backend]('Hi.') : badRequest('Something is wrong.'),
    );
    await service.post({ user_id: 'ann', message: 'one' });
    const { body } = await service.post({ user_id: 'ann', message: 'two' });
    expect([body.error?.code, runs.length]).toEqual(['upstream_rejected', 3]);
  });

  it.each([
    [
      'for what the visitor wrote',
      refuses(400, '{"error":{"message":"Flagged.","code":"invalid_prompt","param":null}}'),
    ],
    ['for the model', badRequest('The model `m` does not exist', 'model')],
  ])('is not rebuilt where it is refused %s', async (_, refusal) => {
    const { service, runs } = await startScripted('responses', (__, count) =>
      count === 0 ? SAYS.responses('Hi.') : refusal,
    );
    await service.post({ user_id: 'ann', message: 'one' });
    await service.post({ user_id: 'ann', message: 'two' });
    expect(runs).toHaveLength(2);
  });
});
