import type { RunEvent } from '../chat/backend-port.ts';
import { fields, list, text } from './lenient.ts';

type Cited = Extract<RunEvent, { type: 'cited' }>;

const MAX_TITLE = 300;

/**
 * What an annotation of an answer cites: a page that the provider's web search found, or a file of its file search.
 * @returns undefined where it names neither: a file that has an id and no name says nothing to a visitor.
 */
const citedBy = (annotation: unknown): Cited | undefined => {
  const given = fields(annotation);
  // Flat at Responses, nested at Chat Completions.
  const cited = { ...given, ...fields(given.url_citation), ...fields(given.file_citation) };
  const url = text(cited.url);
  const isWeb = url !== undefined && /^https?:\/\//.test(url) && URL.canParse(url);
  const title = (text(cited.title) ?? text(cited.filename) ?? (isWeb ? new URL(url).hostname : '')).slice(
    0,
    MAX_TITLE,
  );
  if (title === '') return undefined;
  return { type: 'cited', source: { title, ...(isWeb ? { url } : {}) } };
};

/** What annotations cite. */
export const citationsIn = (annotations: unknown): Cited[] =>
  list(annotations)
    .map(citedBy)
    .filter((one) => one !== undefined);
