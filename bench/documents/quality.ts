import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Documents } from '../../src/documents/documents.ts';

const questions = z.object({
  answered: z.array(z.object({ question: z.string(), source: z.string(), says: z.string() })),
  unanswered: z.array(z.string()),
});

export type Questions = z.output<typeof questions>;

export const readQuestions = (file: string): Questions =>
  questions.parse(JSON.parse(readFileSync(file, 'utf8')));

/** How well questions find the passages that answer them. */
export interface Quality {
  /** The share of questions whose answer is among the first five passages, whether told or not. */
  readonly recall: number;
  /** The same among what a run would be told. */
  readonly told: number;
  /** Questions whose answer is not. */
  readonly missed: readonly string[];
  /** Questions without an answer for which a run would be told something, with how many passages. */
  readonly noise: readonly { readonly question: string; readonly passages: number }[];
}

const FIRST = 5;

export const measureQuality = async (
  documents: Pick<Documents, 'ask'>,
  { answered, unanswered }: Questions,
): Promise<Quality> => {
  const missed: string[] = [];
  let told = 0;
  for (const { question, source, says } of answered) {
    const found = (await documents.ask(question)).slice(0, FIRST);
    const plain = (text: string): string => text.replaceAll(/\s+/g, ' ');
    const hit = found.find(
      ({ passage }) =>
        passage.source.location.endsWith(source) &&
        plain(`${passage.headings.join(' ')} ${passage.text}`).includes(says),
    );
    if (!hit) missed.push(question);
    if (hit?.isRelevant) told += 1;
  }
  const noise: { question: string; passages: number }[] = [];
  for (const question of unanswered) {
    const passages = (await documents.ask(question)).filter(({ isRelevant }) => isRelevant).length;
    if (passages > 0) noise.push({ question, passages });
  }
  return { recall: 1 - missed.length / answered.length, told: told / answered.length, missed, noise };
};
