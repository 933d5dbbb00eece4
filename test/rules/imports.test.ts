import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The core's words and ports: what implements them may see these files, never the core itself. */
const PORTS = ['chat/model.ts', 'chat/store-port.ts', 'chat/backend-port.ts', 'chat/ports.ts'];
/** What operators need of a store, and how its lists are paged. */
const OPS_PORTS = ['ops/ops-port.ts', 'ops/erasure-port.ts', 'ops/outbox-port.ts', 'ops/paging.ts'];

/**
 * Which of our rooms and files each room may import, beside itself; with the reason where it is not plain.
 * `*`: everything (the wiring). A room that is not listed may not be there.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  // The process: reads the environment, starts and stops the service.
  'main.ts': ['service.ts', 'config', 'assistant/parse.ts'],
  // The composition root and its parts: the only ones that see backends and stores.
  'service.ts': ['*'],
  'read-settings.ts': ['assistant', 'config'],
  'open-store.ts': ['*'],
  'open-upstreams.ts': ['*'],
  'open-documents.ts': ['*'],
  'open-ops.ts': ['*'],
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
  // The embedded database's engine knows nothing of what is kept in it.
  sqlite: ['chat/ports.ts', 'errors.ts', 'private-file.ts'],
  stores: [
    'sqlite',
    'log-file',
    ...PORTS,
    ...OPS_PORTS,
    'ops/fold.ts',
    'errors.ts',
    'private-file.ts',
    'system-reason.ts',
  ],
  // The forms of conversations.json, read and written; both stores and the commands use them.
  'log-file': ['assistant/json-place.ts', ...PORTS],
  // Sources, passages and what a run is told of them.
  documents: [...PORTS, 'bounded-json.ts', 'errors.ts', 'private-file.ts'],
  assistant: ['errors.ts'],
  identity: ['errors.ts', 'private-file.ts'],
  limits: ['errors.ts'],
  // Its tables are a room in the embedded store's database (sqlite/room.ts); its pages show the documents.
  ops: [
    ...PORTS,
    'bounded-json.ts',
    'errors.ts',
    'log-file/log-row.ts',
    'documents',
    'sqlite/connection.ts',
    'sqlite/room.ts',
    'stores/sqlite/core-writes.ts',
    'stores/sqlite/rows.ts',
    'stores/sqlite/sqlite-store.ts',
  ],
  // Runs on foreign pages.
  widget: [],
  config: ['private-file.ts', 'system-reason.ts'],
  logging: [],
  'bounded-json.ts': [],
  'errors.ts': [],
  'private-file.ts': [],
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

  it('and files that are named above are there', () => {
    const named = Object.values(MAY_IMPORT)
      .flat()
      .filter((place) => place !== '*');
    expect(named.filter((place) => !existsSync(path.join(ROOT, 'src', place)))).toEqual([]);
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

/** Files that import each other, in a circle: each group of them. */
const circlesAmong = (graph: ReadonlyMap<string, readonly string[]>): string[][] => {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  // Tarjan's strongly connected components.
  const visit = (file: string): number => {
    const number = order.size;
    order.set(file, number);
    let low = number;
    open.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (open.includes(next)) low = Math.min(low, lowest.get(next) ?? order.get(next) ?? low);
    }
    lowest.set(file, low);
    if (low === number) {
      const group = open.splice(open.indexOf(file));
      if (group.length > 1 || graph.get(file)?.includes(file)) circles.push(group.toSorted());
    }
    return low;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;
};

describe('imports', () => {
  const all = globSync(['src/**/*.{ts,tsx}', 'emulator/**/*.ts'], { cwd: ROOT });
  const graph = new Map(
    all.map((file) => {
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      const names = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
      return [file, names.map((name) => path.posix.join(path.posix.dirname(file), name))];
    }),
  );

  it('never go in a circle', () => {
    expect(
      circlesAmong(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['a']],
          ['d', ['a']],
        ]),
      ),
    ).toEqual([['a', 'b', 'c']]);
    expect(circlesAmong(graph)).toEqual([]);
  });

  it('of the emulator, which is not shipped, reach nothing of the service, nor the other way round', () => {
    const crossing = [...graph].flatMap(([file, names]) =>
      names
        .filter((name) => file.startsWith('emulator/') !== name.startsWith('emulator/'))
        .map((name) => `${file} imports ${name}`),
    );
    expect(crossing).toEqual([]);
  });
});
