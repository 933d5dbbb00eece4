import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT } from '../helpers/child-service.ts';
import { startService } from '../helpers/service.ts';

const PAGES = globSync(['README.md', 'docs/*.md'], { cwd: ROOT });
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** The source of each command, by its script's name. */
const COMMANDS = {
  'assistant:export': 'src/commands/assistant-export.ts',
  ...Object.fromEntries(
    ['backup', 'doctor', 'documents', 'erase', 'export', 'import', 'move'].map((name) => [
      name,
      `src/commands/${name}.ts`,
    ]),
  ),
};

/** Options of a command, as its parser has them. */
const optionsOf = (file: string): readonly string[] => {
  const [, block = ''] = /parseArgs\(\{([\s\S]*?)\n {4}\}\);/.exec(read(file)) ?? [];
  const names = [...block.matchAll(/'?([a-z][a-z-]*)'?: \{ type: '(\w+)'/g)].map(([, name = '']) => name);
  return [...names, ...names.map((name) => (block.includes('allowNegative') ? `no-${name}` : name)), 'help'];
};

it('documented options of a command are options of its parser', () => {
  const named = PAGES.flatMap((page) =>
    [...read(page).matchAll(/npm run (?:-s )?([\w:-]+) -- ([^`\n|]*)/g)].flatMap(([, name = '', rest = '']) =>
      [...(rest.split('#')[0] ?? '').matchAll(/(?<=^|\s)--([a-z][a-z-]*)/g)].map(([, option = '']) => ({
        page,
        name,
        option,
      })),
    ),
  );
  const ofCommands = named.filter(({ name }) => Object.hasOwn(COMMANDS, name));
  expect(ofCommands.length).toBeGreaterThan(8);
  const accepted = new Map(Object.entries(COMMANDS).map(([name, file]) => [name, optionsOf(file)]));
  expect(ofCommands.filter(({ name, option }) => !accepted.get(name)?.includes(option))).toEqual([]);
});

/** Calls of other servers: pages name them to say who answers them, or that the site makes them. */
const ELSEWHERE = ['GET /chat-token', 'GET /v1/assistants/{id}'];
/** Ours, but no part of the OpenAPI document: WebSockets, pages and files. */
const BESIDE_THE_DOCUMENT = [
  'GET /',
  'GET /api/chat/ws',
  'GET /metrics',
  'GET /openapi.json',
  'GET /widget.js',
];

it('documented HTTP calls are in the OpenAPI document', async () => {
  const service = await startService({ OPS_TOKEN: 'x'.repeat(40) });
  const { paths } = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
    .parse(await (await fetch(`${service.url}/openapi.json`)).json());
  const withoutNames = (call: string): string => call.replace(/\{\w+\}/g, '{}');
  const served = new Set(
    Object.entries(paths).flatMap(([route, methods]) =>
      Object.keys(methods).map((method) => withoutNames(`${method.toUpperCase()} ${route}`)),
    ),
  );
  const documented = new Set(
    PAGES.flatMap((page) =>
      [...read(page).matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/[\w./{}-]*)/g)].map(
        ([, method = '', route = '']) => `${method} ${route.replace(/(?<=.)[./]$/, '')}`,
      ),
    ),
  );
  expect(documented.size).toBeGreaterThan(20);
  const known = new Set([...ELSEWHERE, ...BESIDE_THE_DOCUMENT]);
  expect([...documented].filter((call) => !known.has(call) && !served.has(withoutNames(call)))).toEqual([]);
  for (const call of BESIDE_THE_DOCUMENT) {
    const { status } = await fetch(service.url + call.replace('GET ', ''));
    expect(status, call).not.toBe(404);
  }
});
