import { describe, expect, it, onTestFinished } from 'vitest';
import { createFindTurn } from '../../src/chat/find-turn.ts';
import { createRemoteTurns } from '../../src/chat/remote-turns.ts';
import type { Store } from '../../src/chat/store-port.ts';
import { logUnavailable } from '../../src/errors.ts';
import { message, user } from '../helpers/exchanges.ts';
import { clock, openStore, tempFolder } from '../stores/sqlite/helper.ts';

/** Finds turns in a real store, some of whose calls are changed. */
const finder = async (changes: (store: Store) => Partial<Store> = () => ({})) => {
  const store = await openStore(await tempFolder());
  const watched: Store = { ...store, ...changes(store) };
  const remoteTurns = createRemoteTurns({
    store: watched,
    clock,
    runTimeout: 60_000,
    onOver: () => undefined,
  });
  onTestFinished(() => remoteTurns.stop());
  const accept = async () => {
    const one = { ...message(user('ann')), timestamp: Date.now() / 1000 };
    await store.accept(one);
    return one;
  };
  return {
    store,
    accept,
    remoteTurns,
    ...createFindTurn({ inFlight: () => undefined, remoteTurns, store: watched, clock }),
  };
};

describe('a turn is found', () => {
  it('also when it ends between the look at what runs and the look at what is over', async () => {
    const found = await finder((store) => ({
      unfinished: async (id) => {
        const running = await store.unfinished(id);
        if (running) await store.finish({ ...running, bot: 'Yes.' });
        return undefined;
      },
      exchange: (id) => store.exchange(id),
    }));
    const { id } = await found.accept();
    expect((await (await found.byId(id))?.outcome)?.bot).toBe('Yes.');
  });

  it('nowhere, if there is none', async () => {
    const { byId, byKey } = await finder();
    expect(await byId('none')).toBeUndefined();
    expect(await byKey('none')).toBeUndefined();
  });
});

describe('a turn that another process runs', () => {
  it('is followed through a short outage of the log', async () => {
    let outages = 0;
    const { store, accept, byId } = await finder((store) => ({
      unfinished: async (id) => {
        const running = await store.unfinished(id);
        if (!running || outages >= 3) return running;
        // The first look finds it; then the log is out for three of them.
        if (outages > 0 || asked++ > 0) {
          outages += 1;
          throw logUnavailable();
        }
        return running;
      },
    }));
    let asked = 0;
    const one = await accept();
    const turn = await byId(one.id);
    await expect.poll(() => outages).toBe(3);
    await store.finish({ ...one, bot: 'Yes.' });
    expect((await turn?.outcome)?.bot).toBe('Yes.');
  });

  it('ends in shutting_down for its readers when this process stops, at once', async () => {
    const { accept, byId, remoteTurns } = await finder();
    const turn = await byId((await accept()).id);
    expect(remoteTurns.count()).toBe(1);
    remoteTurns.stop();
    await expect(turn?.outcome).rejects.toMatchObject({ code: 'shutting_down' });
    expect(remoteTurns.count()).toBe(0);
  });

  it('is one for all who follow it', async () => {
    const { accept, byId, remoteTurns } = await finder();
    const { id } = await accept();
    expect(await byId(id)).toBe(await byId(id));
    expect(remoteTurns.count()).toBe(1);
  });
});
