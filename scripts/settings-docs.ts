import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SETTINGS } from '../src/config/settings-table.ts';

/** Writes what the documentation says of the settings from the one table that the start checks them by. */

const ROOT = path.resolve(import.meta.dirname, '..');
const BEGIN = '<!-- settings: written by `npm run docs` from src/config/settings-table.ts -->';
const END = '<!-- end of settings -->';

const rows = Object.entries(SETTINGS);

/** The table of docs/settings.md. */
export const settingsTable = (): string =>
  [
    '| name | default | meaning | takes |',
    '|---|---|---|---|',
    ...rows.map(([name, { fallback, doc, takes }]) =>
      `| \`${name}\` | ${fallback === null ? 'none' : `\`${fallback}\``} | ${doc} | ${takes} |`.replaceAll(
        '|`',
        '| `',
      ),
    ),
  ].join('\n');

/** The page with the table in its place. */
export const withTable = (page: string): string => {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error('docs/settings.md has lost the marks of its settings table');
  return `${before}${BEGIN}\n${settingsTable()}\n${END}${after}`;
};

/** .env.example: every setting with its default, commented out. */
export const envExample = (): string =>
  [
    '# Copy to .env and change what you need; every line is optional. docs/settings.md explains.',
    ...rows.map(
      ([name, { fallback, doc, takes }]) => `\n# ${doc}\n# Takes ${takes}.\n#${name}=${fallback ?? ''}`,
    ),
    '',
    '# For compose.yaml only: the name that Caddy gets a certificate for, and the password of the database in it,',
    '# of letters and digits (openssl rand -hex 24). Compose also needs SESSION_SECRET (openssl rand -base64 36).',
    '#SITE_ADDRESS=chat.example.org',
    '#POSTGRES_PASSWORD=',
    '',
  ].join('\n');

if (import.meta.main) {
  const page = path.join(ROOT, 'docs/settings.md');
  writeFileSync(page, withTable(readFileSync(page, 'utf8')));
  writeFileSync(path.join(ROOT, '.env.example'), envExample());
}
