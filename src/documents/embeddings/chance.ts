/**
 * What nearness chance explains. Each model has a cosine of its own for texts that have nothing to do with each other:
 * 0.1 for one, 0.7 for another. So questions are asked that hardly any site's documents answer, and what is no nearer
 * than their best passages is not near.
 */

/** Of all kinds, as visitors ask of anything; a site that answers some of them does not move the middle much. */
export const STRAY_QUESTIONS: readonly string[] = [
  'How far away is the moon?',
  'Who painted the Mona Lisa?',
  'What is seven times eight?',
  'How do volcanoes erupt?',
  'Tell me a joke about penguins',
  'When did the Roman Empire fall?',
  'Which river is the longest in Africa?',
  'How do I learn to play the violin?',
  'What is the meaning of life?',
  'How are you today?',
  'Wie hoch ist der Mont Blanc?',
  'Wer hat die Glühbirne erfunden?',
  'Warum ist der Himmel blau?',
  'Schreib mir ein Gedicht über den Frühling',
  'Welche Partei soll ich wählen?',
  'Quelle est la capitale du Pérou ?',
  'Comment cuire un soufflé au fromage ?',
  '¿Quién escribió Don Quijote?',
  '¿Cuántos planetas hay en el sistema solar?',
  'Chi ha vinto il campionato di calcio?',
];

/** So many deviations above the middle of what chance gives. */
const DEVIATIONS = 2;
/** The middle half of a normal distribution is so many deviations wide. */
const MIDDLE_HALF = 1.35;
/** Where chance always gives the same, as with very few passages. */
const LEAST_DEVIATION = 0.02;

/** The cosine above which a passage is near. @param best The nearest passage's cosine for each stray question. */
export const floorOf = (best: readonly number[]): number => {
  const sorted = best.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const deviation = Math.max(LEAST_DEVIATION, (at(0.75) - at(0.25)) / MIDDLE_HALF);
  return at(0.5) + DEVIATIONS * deviation;
};
