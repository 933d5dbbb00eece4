import { marked } from 'marked';
import type { ParsedDocument } from '../model.ts';
import { parseHtml } from './html.ts';
import type { ParseLimits } from './limits.ts';

/** Lines `name: value` between two lines of dashes at the top. */
const FRONT_MATTER = /^---\r?\n([\s\S]{0,4000}?)\r?\n---\r?\n/;

const frontMatter = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(/\r?\n/)
      .map((line) => /^(\w+):\s*["']?(.*?)["']?\s*$/.exec(line))
      .filter((match) => match !== null)
      .map(([, name = '', value = '']) => [name.toLowerCase(), value]),
  );

/** Reads Markdown; `title`, `lang` and `url` may be told in its front matter. */
export const parseMarkdown = (text: string, limits: ParseLimits): ParsedDocument => {
  const front = FRONT_MATTER.exec(text);
  const said = front ? frontMatter(front[1] ?? '') : {};
  const html = marked.parse(front ? text.slice(front[0].length) : text, { async: false, gfm: true });
  const { page: _, ...read } = parseHtml(`<body><main>${html}</main></body>`, limits);
  const language = said.lang ?? said.language;
  return {
    ...read,
    ...(said.title ? { title: said.title } : {}),
    ...(language ? { language } : {}),
    ...(said.url ? { page: { links: [], noIndex: false, canonical: said.url } } : {}),
  };
};
