/** `npm run documents`: what the assistant may quote. */

import { parseArgs } from 'node:util';
import { findAssistantFile } from '../assistant/find-file.ts';
import { readConfig } from '../config/read-config.ts';
import type { Documents } from '../documents/documents.ts';
import type { TakeResult } from '../documents/library.ts';
import { documentsFolder, openDocuments } from '../open-documents.ts';
import { Refusal, runCommand, type Surroundings, UsageError, warningsOnly } from './command.ts';

const USAGE = `Usage: npm run documents -- add <file|folder|address> [--title "…"] [--max-pages 500] [--dry-run]
       npm run documents -- list
       npm run documents -- remove <id|file|folder|address>
       npm run documents -- refresh
       npm run documents -- ask "question"

What the assistant may quote: files (Markdown, text, HTML, PDF, DOCX, CSV, JSON with questions and answers) and pages of
your own site. The service may run meanwhile; it uses what is added at once. docs/documents.md tells more.

  --title <text>    for one file: its title, where its own is not good
  --max-pages <n>   for a site: at most so many pages, 500 if absent
  --dry-run         reads everything, says what would be added, and keeps nothing
  --help            this text`;

const readArgs = (args: readonly string[]) => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        title: { type: 'string' },
        'max-pages': { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
      },
    });
    const maxPages = values['max-pages'];
    if (maxPages !== undefined && !/^[1-9]\d{0,4}$/.test(maxPages)) {
      throw new UsageError('--max-pages takes a whole number, 1 to 99999');
    }
    return {
      verb: positionals[0],
      operands: positionals.slice(1),
      title: values.title,
      maxPages: maxPages === undefined ? undefined : Number(maxPages),
      dryRun: values['dry-run'],
    };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
};

const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

const lineOf = (result: TakeResult, dryRun: boolean): string => {
  const { location, note } = result;
  const more = note === undefined ? '' : ` (${note})`;
  switch (result.type) {
    case 'added':
      return `${dryRun ? 'would add' : 'added'}      ${location}: ${count(result.passages, 'passage')}${more}`;
    case 'changed':
      return `changed    ${location}: ${count(result.passages, 'passage')}, ${result.kept} as before${more}`;
    case 'unchanged':
      return `unchanged  ${location}${more}`;
    case 'removed':
      return `removed    ${location}`;
    case 'skipped':
      return `skipped    ${location}`;
    case 'unreadable':
      return `not read   ${location}: ${result.reason}`;
  }
};

/** Prints results as they come, and what they come to. @returns Whether anything could be read. */
const report = async (
  results: AsyncIterable<TakeResult>,
  { print, signal }: Surroundings,
  dryRun: boolean,
): Promise<boolean> => {
  const counts = new Map<TakeResult['type'], number>();
  for await (const result of results) {
    signal.throwIfAborted();
    counts.set(result.type, (counts.get(result.type) ?? 0) + 1);
    print(lineOf(result, dryRun));
  }
  const names = { unreadable: 'not read' } as const;
  const told = [...counts].map(([type, n]) => `${n} ${type === 'unreadable' ? names.unreadable : type}`);
  print(
    told.length === 0 ? 'Nothing was found.' : `\n${told.join(', ')}.${dryRun ? ' Nothing was kept.' : ''}`,
  );
  return [...counts.keys()].some((type) => type !== 'unreadable');
};

/** What there is, a line for each source. */
const list = async (documents: Documents, print: (text: string) => void): Promise<void> => {
  const sources = await documents.sources();
  for (const { id, kind, location, title, passages, language, note } of sources) {
    const more = [language, note].filter((part) => part !== undefined).join('; ');
    print(
      `${id}  ${kind.padEnd(6)}  ${String(passages).padStart(5)}  ${title}  <${location}>${more && `  (${more})`}`,
    );
  }
  const passages = sources.reduce((sum, source) => sum + source.passages, 0);
  print(
    sources.length === 0
      ? 'There are no documents.'
      : `\n${count(sources.length, 'document')}, ${count(passages, 'passage')}.`,
  );
};

const SHOWN_CHARS = 300;

const ask = async (documents: Documents, question: string, print: (text: string) => void): Promise<void> => {
  const found = await documents.ask(question);
  if (found.length === 0) print('Nothing was found.');
  for (const [at, { passage, coverage, similarity, isRelevant }] of found.entries()) {
    const { source, headings, text, url, place } = passage;
    const scores = [
      `words ${coverage.toFixed(2)}`,
      ...(similarity === undefined ? [] : [`meaning ${similarity.toFixed(2)}`]),
    ];
    print(
      `${at + 1}. ${source.title} (${scores.join(', ')}${isRelevant ? '' : '; too little: it would not be told'})`,
    );
    print(
      `   ${[url ?? source.url ?? source.location, place].filter((part) => part !== undefined).join(', ')}`,
    );
    if (headings.length > 0) print(`   ${headings.join(' › ')}`);
    const short = text.replaceAll(/\s+/g, ' ');
    print(`   ${short.slice(0, SHOWN_CHARS)}${short.length > SHOWN_CHARS ? '…' : ''}\n`);
  }
};

const run = async (surroundings: Surroundings): Promise<void> => {
  const { args, env, signal, print, warn } = surroundings;
  const { verb, operands, title, maxPages, dryRun } = readArgs(args);
  const [operand] = operands;
  const known = ['add', 'list', 'remove', 'refresh', 'ask'];
  if (verb === undefined || !known.includes(verb))
    throw new UsageError(verb === undefined ? 'What is to be done?' : `There is no "${verb}".`);
  if ((verb === 'add' || verb === 'remove' || verb === 'ask') !== (operands.length === 1)) {
    throw new UsageError(
      `${verb} takes ${verb === 'list' || verb === 'refresh' ? 'nothing more' : 'one thing'}.`,
    );
  }
  const file = await findAssistantFile(env);
  const model = file?.loaded.definition.model;
  const config = readConfig(env, file && { model });
  const logger = warningsOnly(warn);
  const upstreamModel = config.upstream.kind === 'offline' ? undefined : config.upstream.model;
  const documents = openDocuments({
    config,
    model: () => model ?? upstreamModel,
    fetch,
    clock: { now: () => Date.now() },
    logger,
  });
  try {
    let isGood = true;
    if (verb === 'list') await list(documents, print);
    else if (verb === 'ask') await ask(documents, operand ?? '', print);
    else if (verb === 'refresh') {
      const folder = documentsFolder(config.settings);
      if (folder !== undefined) await report(documents.add(folder), surroundings, false);
      isGood = await report(documents.refresh({ signal }), surroundings, false);
    } else if (verb === 'add') {
      isGood = await report(
        documents.add(operand ?? '', { title, maxPages, dryRun, signal }),
        surroundings,
        dryRun,
      );
    } else {
      const removed = await documents.remove(operand ?? '');
      if (removed === 0)
        throw new Refusal(`There is no document "${operand}": see npm run documents -- list`);
      print(`Removed ${count(removed, 'document')}.`);
    }
    if ((verb === 'add' || verb === 'refresh') && !dryRun && config.settings.EMBEDDING_MODEL !== undefined) {
      print('Embedding what is new…');
      await documents.embed();
    }
    if (!isGood && verb === 'add') throw new Refusal('Nothing could be read.');
  } finally {
    await documents.close();
  }
};

await runCommand(USAGE, run);
