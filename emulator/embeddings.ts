/** `/v1/embeddings`: vectors of the words and pieces of words in a text, the same for the same text. */

import { z } from 'zod';
import { type Handler, parse, type Route, sendJson } from './http.ts';
import { tokensOf } from './tokens.ts';
import type { World } from './world.ts';

const MAX_TEXTS = 2_048;

const CreateBody = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1).max(MAX_TEXTS)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
});

const DIMENSIONS = 256;
/** Pieces of words that are looked at, so that forms of a word are near each other. */
const PIECES = [3, 4, 5];

const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
};

function* featuresOf(text: string): Generator<string> {
  const words =
    text
      .toLowerCase()
      .normalize('NFD')
      .replaceAll(/\p{M}/gu, '')
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  for (const word of words) {
    yield word;
    const padded = `<${word}>`;
    for (const length of PIECES) {
      for (let at = 0; at + length <= padded.length; at += 1) yield padded.slice(at, at + length);
    }
  }
}

/** A vector of length 1. */
export const embeddingOf = (text: string): number[] => {
  const counts = new Map<string, number>();
  for (const feature of featuresOf(text)) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  const vector = new Array<number>(DIMENSIONS).fill(0);
  for (const [feature, count] of counts) {
    const hash = hashOf(feature);
    const at = hash % DIMENSIONS;
    vector[at] = (vector[at] ?? 0) + (hash & 0x80000000 ? 1 : -1) * Math.sqrt(count);
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((number) => number / length);
};

export const embeddingRoutes = (world: World): Route[] => {
  const create: Handler = ({ body, outgoing }) => {
    const { model, input, encoding_format: format } = parse(CreateBody, body);
    world.requireModel(model);
    const texts = typeof input === 'string' ? [input] : input;
    const data = texts.map((text, index) => {
      const vector = embeddingOf(text);
      const packed = () => Buffer.from(Float32Array.from(vector).buffer).toString('base64');
      return { object: 'embedding', index, embedding: format === 'base64' ? packed() : vector };
    });
    const tokens = tokensOf(texts.reduce((chars, text) => chars + text.length, 0));
    sendJson(outgoing, {
      object: 'list',
      data,
      model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    });
  };
  return [{ method: 'POST', path: '/embeddings', endpoint: 'embeddings', handle: create }];
};
