import { expect, it } from 'vitest';
import { startUpstream } from '../backends/quirks/scripted-upstream.ts';
import { allEvents } from '../helpers/events.ts';
import { startService, upstreamEnv } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

/** A service whose upstream refuses a parameter of the assistant file. */
const startRefused = async () => {
  const error = {
    message: 'Unsupported value',
    type: 'invalid_request_error',
    param: 'verbosity',
    code: null,
  };
  const upstream = await startUpstream(() => ({
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error }),
  }));
  return startService(upstreamEnv({ url: `${upstream.url}` }));
};

it('the log line of a turn that failed carries the request id that its visitor can quote', async () => {
  const service = await startRefused();
  const failed = () => service.lines.filter(({ msg }) => msg === 'turn failed').at(-1);
  const { body } = await service.post({ user_id: 'ann', message: 'Hello' });
  expect(body.error?.code).toBe('upstream_rejected');
  expect(failed()).toMatchObject({ request_id: body.error?.request_id, why: { param: 'verbosity' } });

  const { events } = await service.stream({ user_id: 'ann', message: 'Hello again' });
  const told = (await allEvents(events)).at(-1)?.data.error?.request_id;
  expect(told).toBeDefined();
  expect(failed()).toMatchObject({ request_id: told });

  const socket = await openSocket(service, { token: await tokenFor(service) });
  socket.send({ type: 'message', id: 'one', message: 'Hello' });
  const frame = (await socket.until()).at(-1);
  expect(frame?.error?.request_id).toBeDefined();
  expect(failed()).toMatchObject({ request_id: frame?.error?.request_id });
});

it('the log names the parameter that the upstream refuses', async () => {
  const service = await startRefused();
  await service.post({ message: 'Hello' });
  expect(service.lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      msg: 'the upstream refuses a parameter: look at the assistant file',
      param: 'verbosity',
    }),
  );
});
