import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The core's words and ports: what implements them may see these files, never the core itself. */
const PORTS = ['chat/model.ts', 'chat/store-port.ts', 'chat/backend-port.ts', 'chat/ports.ts'];

/**
 * Which of our rooms and files each room may import, beside itself; with the reason where it is not plain.
 * `*`: everything (the wiring). A room that is not listed may not be there.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  // The process: reads the environment, starts and stops the service.
  'main.ts': ['service.ts', 'config', 'assistant/parse.ts', 'http/greeting.ts'],
  // The composition root and its two halves: the only ones that see backends and stores.
  'service.ts': ['*'],
  'open-store.ts': ['*'],
  'open-upstreams.ts': ['*'],
  'open-documents.ts': ['*'],
  // Programs of their own beside the service, each put together in its own file.
  commands: ['*'],
  http: [
    'chat',
    'identity',
    'limits',
    'ops',
    'documents',
    'errors.ts',
    'system-reason.ts',
    'widget/protocol',
  ],
  // The core: no HTTP, no vendor, no disk.
  chat: ['errors.ts'],
  // What implements the core's ports knows the ports alone, never the core.
  backends: ['assistant', ...PORTS, 'errors.ts'],
  stores: ['log-file', ...PORTS, 'ops/ops-port.ts', 'ops/fold.ts', 'errors.ts', 'system-reason.ts'],
  // The forms of conversations.json, read and written; both stores and the commands use them.
  'log-file': ['assistant/json-place.ts', ...PORTS],
  // Sources, passages and what a run is told of them.
  documents: [...PORTS, 'errors.ts'],
  assistant: ['errors.ts'],
  identity: ['errors.ts'],
  limits: ['errors.ts'],
  // What operators search and count is in the store's database: stores/sqlite/room.ts.
  ops: ['stores/sqlite', 'log-file', ...PORTS, 'errors.ts'],
  // Runs on foreign pages.
  widget: [],
  config: ['system-reason.ts'],
  logging: [],
  'errors.ts': [],
  'system-reason.ts': [],
};

/** Packages that only some rooms may use: what ties a room to a vendor, a disk or the web stays in it. */
const PACKAGES: Record<string, readonly string[]> = {
  // The assistant room takes the wires' types from it, nothing that runs.
  openai: ['backends', 'assistant', 'commands'],
  'eventsource-parser': ['backends', 'commands', 'widget'],
  'streaming-markdown': ['widget'],
  rolldown: ['http'],
  lowdb: ['stores'],
  dotenv: ['config'],
  pino: ['logging', 'service.ts', 'commands'],
  hono: ['http', 'identity', 'limits', 'ops'],
  '@hono/node-server': ['service.ts', 'http'],
  '@hono/zod-openapi': ['http'],
  'hono-rate-limiter': ['http', 'limits'],
  ws: ['http'],
  postgres: ['stores', 'documents'],
  'prom-client': ['ops'],
};

const roomOf = (file: string): string => file.split('/')[0] ?? '';
const files = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => file.slice('src/'.length));
const textOf = (file: string) => readFileSync(path.join(ROOT, 'src', file), 'utf8');
const importsOf = (file: string): string[] =>
  [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');

describe('the rooms', () => {
  it('are all known', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(files.map(roomOf).filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  it.each(files)('%s imports only what its room may', (file) => {
    const room = roomOf(file);
    const allowed = MAY_IMPORT[room] ?? [];
    for (const name of importsOf(file)) {
      if (name.startsWith('.')) {
        const target = path.posix.join(path.posix.dirname(file), name);
        const known = [room, ...allowed].some(
          (place) => place === '*' || target === place || target.startsWith(`${place}/`),
        );
        expect(known, `${file} imports ${target}`).toBe(true);
      } else if (!name.startsWith('node:')) {
        const scoped = name.startsWith('@') ? 2 : 1;
        const rooms = PACKAGES[name.split('/').slice(0, scoped).join('/')];
        expect(rooms?.includes(room) ?? true, `${file} imports ${name}`).toBe(true);
      }
    }
  });

  it('leave the environment to main.ts and the other programs', () => {
    const readers = files.filter((file) => /process\.env/.test(textOf(file)) && roomOf(file) !== 'commands');
    expect(readers.toSorted()).toEqual(['main.ts']);
  });

  it('take the time from the injected clock in the core and at its edges', () => {
    const rooms = ['chat', 'http', 'identity'];
    expect(files.filter((file) => rooms.includes(roomOf(file)) && /Date\.now/.test(textOf(file)))).toEqual(
      [],
    );
  });
});
