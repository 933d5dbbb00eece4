import type { Paint } from './pretty.ts';

/** What a person at the terminal needs to know of a service that has just started. */
export interface Started {
  readonly version: string;
  /** Where it listens. */
  readonly url: string;
  /** Who answers: `gpt-6-luna at api.openai.com`; undefined: the offline assistant. */
  readonly answers: string | undefined;
  /** The path of the demo page; undefined: it is off. */
  readonly demoPage: string | undefined;
  /** The path of the operators' pages; undefined: they are off. */
  readonly opsPage: string | undefined;
  /** The file that has the ops token. */
  readonly opsTokenFile: string | undefined;
  /** Where everything is kept. */
  readonly data: string;
  /** What is missing for production, a sentence each. */
  readonly warnings: readonly string[];
}

/** The first screen: where it is, who answers, a line to try, and what is missing before it goes live. */
export const greeting = (started: Started, paint: Paint): string => {
  const { url, warnings } = started;
  const curl = `curl -s ${url}/api/chat -H 'Content-Type: application/json' -d '{"message": "Hello!"}'`;
  const rows: [name: string, value: string][] = [
    ...(started.demoPage === undefined
      ? []
      : [['Demo page', link(url + started.demoPage, paint)] as [string, string]]),
    ...(started.opsPage === undefined ? [] : [['Operators', opsRow(started, paint)] as [string, string]]),
    ['API', link(`${url}/api/chat`, paint)],
    ['Answers', started.answers ?? 'the built-in offline assistant, no AI'],
    ['Data', started.data],
  ];
  const head = `${paint(['bold', 'green'], 'thread-proxy')} ${paint('dim', started.version)} is ready`;
  const table = rows.map(([name, value]) => `  ${paint('dim', name.padEnd(10))} ${value}`);
  const open = warnings.map((warning) => `  ${paint('yellow', '▲')} ${warning}`);
  const check = paint('dim', '    npm run doctor checks these and more');
  return [
    '',
    `  ${head}`,
    '',
    ...table,
    '',
    `  ${paint('dim', 'Try it')}`,
    `  ${curl}`,
    '',
    ...(open.length > 0 ? [`  ${paint('bold', 'Before you go live')}`, ...open, check, ''] : []),
    '',
  ].join('\n');
};

const link = (url: string, paint: Paint): string => paint(['cyan', 'underline'], url);

const opsRow = ({ url, opsPage = '', opsTokenFile }: Started, paint: Paint): string => {
  const token = opsTokenFile === undefined ? '' : `  ${paint('dim', `token in ${opsTokenFile}`)}`;
  return `${link(url + opsPage, paint)}${token}`;
};
