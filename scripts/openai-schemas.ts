/**
 * Takes the schemas of the requests that we send out of OpenAI's published OpenAPI description, for
 * test/backends/published/requests.test.ts: `node scripts/openai-schemas.ts openapi.json`, with the file of
 * https://github.com/openai/openai-openapi.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const OUT = path.resolve(import.meta.dirname, '../test/backends/published/openai.json');

const PATHS = [
  '/responses',
  '/conversations',
  '/conversations/{conversation_id}/items',
  '/chat/completions',
  '/threads',
  '/threads/runs',
  '/threads/{thread_id}/runs',
  '/threads/{thread_id}/runs/{run_id}/submit_tool_outputs',
  '/assistants',
];

const description = z
  .object({
    info: z.object({ version: z.string() }),
    paths: z.record(z.string(), z.record(z.string(), z.unknown())),
    components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
  })
  .parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));

const operation = z.object({
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema: z.unknown() }) }) }),
});

const PREFIX = '#/components/schemas/';
const schemas = new Map<string, unknown>();

/**
 * The schema without its prose, with references to what is kept here, which is kept with it.
 * @param owner The schema that it stands in.
 */
const kept = (schema: unknown, owner = ''): unknown => {
  if (Array.isArray(schema)) return schema.map((one) => kept(one, owner));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
      if (key === '$ref' && typeof value === 'string') {
        const name = value.slice(PREFIX.length);
        if (!schemas.has(name)) {
          schemas.set(name, true);
          schemas.set(name, kept(description.components.schemas[name], name));
        }
        return [[key, `#/$defs/${name}`]];
      }
      // Of an older JSON Schema: a reference to the schema that it stands in.
      if (key === '$recursiveRef') return [['$ref', `#/$defs/${owner}`]];
      if (key === '$recursiveAnchor') return [];
      // Of OpenAPI 3.0: beside a `type` it is understood, elsewhere it means nothing.
      if (key === 'nullable' && !('type' in schema)) return [];
      const isProse = typeof value === 'string' && ['description', 'title'].includes(key);
      if (isProse || /^(x-|example|discriminator|externalDocs|default$)/.test(key)) return [];
      return [[key, kept(value, owner)]];
    }),
  );
};

const requests = PATHS.map((name) => [
  name,
  kept(operation.parse(description.paths[name]?.post).requestBody.content['application/json'].schema),
]);
const file = {
  $comment: `Taken by scripts/openai-schemas.ts from https://github.com/openai/openai-openapi ${description.info.version}. The MIT License, Copyright (c) OpenAI (https://openai.com).`,
  requests: Object.fromEntries(requests),
  $defs: Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))),
};
writeFileSync(OUT, `${JSON.stringify(file)}\n`);
