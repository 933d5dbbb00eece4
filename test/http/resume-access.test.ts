import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SITE_KEY } from '../helpers/api.ts';
import { until } from '../helpers/events.ts';
import {
  startBoth,
  startService,
  type TestService,
  temporaryFolder,
  upstreamEnv,
} from '../helpers/service.ts';
import { stopTurn } from '../helpers/turns.ts';
import { bearer, status, wholeTurn } from '../helpers/whole-turn.ts';

describe('an exchange’s events are open', () => {
  it('to whoever knows its id, where its user_id is taken on trust', async () => {
    const { service } = await startBoth();
    const { id } = await wholeTurn(service);
    expect(await status(service, id)).toBe(200);
    const stranger = await wholeTurn(service, { message: 'Hi' });
    expect(await status(service, id, undefined, bearer(stranger.token))).toBe(404);
  });

  it('to nobody without a token once the site has verified its user_id', async () => {
    const { service } = await startBoth({ env: { SITE_KEYS: SITE_KEY } });
    const { id } = await wholeTurn(service);
    await service.post({ user_id: 'ann', message: 'Hi' }, bearer(SITE_KEY));
    expect(await status(service, id)).toBe(404);
    expect(await status(service, id, undefined, bearer(SITE_KEY))).toBe(404);
    expect(await stopTurn(service, id)).toBe(404);
  });

  it('to the token of an anonymous visitor alone, in flight, over and after a restart', async () => {
    const { service, emulator } = await startBoth();
    const other = await wholeTurn(service, { message: 'Hello' });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const { events } = await service.stream({ message: 'Hi' });
    const first = (await events.next()).value ?? undefined;
    const { id, session_token: token } = first?.data ?? {};
    const statuses = async (at: TestService) => [
      await status(at, id),
      await status(at, id, undefined, bearer(other.token)),
      await status(at, id, undefined, bearer(token)),
    ];
    expect(await statuses(service)).toEqual([404, 404, 200]);
    emulator.release();
    await until(() => service.lines.filter(({ msg }) => msg === 'answered').length === 2, 'the end');
    expect(await statuses(service)).toEqual([404, 404, 200]);
    await service.stop();
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    expect(await statuses(next)).toEqual([404, 404, 200]);
    expect(await status(next, id, undefined, bearer('nonsense'))).toBe(401);
  });

  it('to nobody without a token where identities are signed', async () => {
    const { service, emulator } = await startBoth();
    const { id } = await wholeTurn(service);
    await service.stop();
    const next = await startService({
      ...upstreamEnv(emulator),
      DATA_DIR: service.dir,
      IDENTITY: 'signed',
    });
    expect(await status(next, id)).toBe(404);
  });

  it('to nobody where it is unknown, or its id follows from its content', async () => {
    const dir = await temporaryFolder();
    const older = { ann: [{ user: 'Hi', bot: 'Hello', timestamp: 1 }] };
    await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(older));
    const { service } = await startBoth({ env: { DATA_DIR: dir } });
    await service.post({ user_id: 'ann', message: 'I am back.' });
    const [taken] = (await service.finalLog()).ann ?? [];
    const { service: next } = await startBoth({ env: { DATA_DIR: dir } });
    expect(taken?.id).toMatch(/^older-/);
    expect(await status(next, taken?.id)).toBe(404);
    expect(await status(next, '00000000-0000-4000-8000-000000000000')).toBe(404);
    expect(await status(next, '__proto__')).toBe(404);
  });
});
