import { expect, test } from 'vitest';
import { exchange, user } from '../../helpers/exchanges.ts';
import { startChild } from './child.ts';
import { eventually, openStore, tempFolder } from './helper.ts';

test('a second process on the same folder is refused at once, with the folder’s name', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir);
  const second = startChild('open-child.ts', [dir]);
  const told = await eventually(() => second.lines[0]);
  expect(told).toContain(`The data folder ${dir} is in use by another process.`);
  expect(second.errors()).toBe('');
  await store.finish(exchange(user('alice')));
});

test('a second opening by the same process is refused too, until the first is closed', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir);
  await expect(openStore(dir)).rejects.toThrow(dir);
  await store.close();
  await openStore(dir);
});

test('the lock ends with its process, however that ends', async () => {
  const dir = await tempFolder();
  const other = startChild('open-child.ts', [dir]);
  expect(await eventually(() => other.lines[0])).toBe('open');
  await expect(openStore(dir)).rejects.toThrow(dir);
  await other.kill();
  expect(other.errors()).toBe('');
  await openStore(dir);
});
