import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock, Logger } from './chat/ports.ts';
import type { Config } from './config/read-config.ts';
import type { Documents, ServedDocuments } from './documents/documents.ts';
import type { DocumentIndex } from './documents/index/index-port.ts';
import { createWorklist } from './documents/work.ts';

const OPENAI_URL = 'https://api.openai.com/v1';
const DEFAULT_DIR = './documents';
/** Beside the store's own file: commands write it while the service runs, and no search waits for a commit. */
const INDEX_FILE = 'documents.db';
/** How long a message does without documents after the index could not be opened. */
const RETRY_MS = 30_000;

interface Spending {
  isSpent(): Promise<boolean>;
  countUsage(model: string, usage: { input: number; output: number }): Promise<void>;
}

interface OpenDocumentsDeps {
  readonly config: Config;
  /** The model that answers. */
  readonly model: () => string | undefined;
  readonly fetch: typeof fetch;
  /** The budget that embeddings and rewritten questions are counted in; absent: they are not. */
  readonly spending?: (() => Spending) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The index in a data folder. */
export const documentIndexFile = (dir: string): string => path.join(dir, INDEX_FILE);

/** Opens the index of documents in a database, or in a folder that is made if it is not there. */
export const openDocumentIndex = async (
  deps: { readonly logger: Logger } & (
    | { readonly url: string; readonly schema?: string | undefined }
    | { readonly dir: string }
  ),
): Promise<DocumentIndex> => {
  if ('dir' in deps) {
    const { openSqliteIndex } = await import('./documents/index/open-sqlite-index.ts');
    const { mkdir } = await import('node:fs/promises');
    await mkdir(deps.dir, { recursive: true, mode: 0o700 });
    return openSqliteIndex(documentIndexFile(deps.dir));
  }
  const { openPostgresIndex } = await import('./documents/index/postgres-index.ts');
  const { connectForDocuments } = await import('./stores/postgres/documents-database.ts');
  const database = await connectForDocuments(deps);
  return openPostgresIndex(database).catch(async (thrown: unknown) => {
    await database.close();
    throw thrown;
  });
};

const openAll = async (deps: OpenDocumentsDeps): Promise<Documents> => {
  // Parsers and word lists of eleven languages: loaded where there are documents.
  const { createDocuments } = await import('./documents/documents.ts');
  const { createEmbedder } = await import('./documents/embeddings/embedder.ts');
  const { createMeaning } = await import('./documents/embeddings/meaning.ts');
  const { createRewrite } = await import('./documents/rewrite.ts');
  const { config, model, fetch, spending, clock, logger } = deps;
  const { settings, upstream } = config;
  const own = upstream.kind === 'offline' ? undefined : upstream;
  const { DATABASE_URL: url, DATABASE_SCHEMA: schema, DATA_DIR } = settings;
  const index = await openDocumentIndex(
    url === undefined ? { dir: path.resolve(DATA_DIR), logger } : { url, schema, logger },
  );
  const server = {
    baseUrl: settings.EMBEDDING_BASE_URL ?? own?.baseUrl ?? OPENAI_URL,
    // A key is for the server that it was made for.
    apiKey:
      settings.EMBEDDING_API_KEY ?? (settings.EMBEDDING_BASE_URL === undefined ? own?.apiKey : undefined),
  };
  const embeddingModel = settings.EMBEDDING_MODEL;
  const count = (used: string, usage: { input: number; output: number }): void => {
    spending?.()
      .countUsage(used, usage)
      .catch((thrown: unknown) => {
        logger.error({ err: thrown, model: used }, 'what a search used was not counted');
      });
  };
  const meaning =
    embeddingModel === undefined
      ? undefined
      : createMeaning({
          index,
          embedder: createEmbedder({
            ...server,
            fetch,
            onUsage: (used, input) => count(used, { input, output: 0 }),
          }),
          isSpent: spending && (() => spending().isSpent()),
          model: embeddingModel,
          logger,
        });
  const rewrite =
    settings.QUERY_REWRITE && own
      ? createRewrite({
          baseUrl: own.baseUrl,
          apiKey: own.apiKey,
          model: () => model() ?? '',
          fetch,
          onUsage: (usage) => count(model() ?? '', usage),
          logger,
        })
      : undefined;
  // What an earlier run did not come to, or another model has left.
  meaning?.catchUp();
  return createDocuments({ index, meaning, rewrite, maxChars: settings.DOCUMENTS_MAX_CHARS, clock, logger });
};

/** The folder that the settings name, or the usual one if it is there. */
export const documentsFolder = ({
  DOCUMENTS_DIR,
}: {
  readonly DOCUMENTS_DIR?: string | undefined;
}): string | undefined => {
  if (DOCUMENTS_DIR !== undefined) return path.resolve(DOCUMENTS_DIR);
  return existsSync(DEFAULT_DIR) ? path.resolve(DEFAULT_DIR) : undefined;
};

/** Documents that cost nothing as long as there are none: the index is opened when it is first needed. */
export const openDocuments = (deps: OpenDocumentsDeps): ServedDocuments => {
  const { settings } = deps.config;
  const { logger } = deps;
  let opened: Promise<Documents> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> = Promise.resolve();
  const stopping = new AbortController();
  const { signal: stopped } = stopping;
  const worklist = createWorklist(deps.clock, () => stopped.aborted);
  const get = (): Promise<Documents> => {
    opened ??= openAll(deps).catch((thrown: unknown) => {
      opened = undefined;
      failedAt = performance.now();
      throw thrown;
    });
    return opened;
  };
  const isThere = (): boolean =>
    opened !== undefined ||
    settings.DATABASE_URL !== undefined ||
    existsSync(documentIndexFile(path.resolve(settings.DATA_DIR)));
  /** @returns undefined where there are no documents. */
  const ifThere = async <T>(work: (documents: Documents) => Promise<T>): Promise<T | undefined> =>
    isThere() ? work(await get()) : undefined;

  const readFolder = async (): Promise<void> => {
    const folder = documentsFolder(settings);
    if (folder === undefined) return;
    const counts = { added: 0, changed: 0, unchanged: 0, removed: 0, skipped: 0, unreadable: 0 };
    try {
      for await (const result of (await get()).add(folder)) {
        if (stopped.aborted) return;
        counts[result.type] += 1;
        if (result.type === 'unreadable') {
          logger.warn({ file: result.location, reason: result.reason }, 'a document could not be read');
        }
      }
      logger.info({ folder, ...counts }, 'the folder of documents was read');
    } catch (thrown) {
      logger.error({ folder, reason: String(thrown) }, 'the folder of documents could not be read');
    }
  };

  return {
    add: async function* (...args) {
      yield* (await get()).add(...args);
    },
    upload: async (file) => (await get()).upload(file),
    refresh: async function* (...args) {
      if (isThere()) yield* (await get()).refresh(...args);
    },
    remove: async (what) => (await ifThere((documents) => documents.remove(what))) ?? 0,
    sources: async () => (await ifThere((documents) => documents.sources())) ?? [],
    ask: async (...args) => (await ifThere((documents) => documents.ask(...args))) ?? [],
    quote: async (...args) => {
      if (performance.now() - failedAt < RETRY_MS) return undefined;
      return ifThere((documents) => documents.quote(...args)).catch((thrown: unknown) => {
        args[1].throwIfAborted();
        logger.warn(
          { reason: String(thrown) },
          'the index of documents cannot be opened: answers do without',
        );
        return undefined;
      });
    },
    removeById: async (id) => (await ifThere((documents) => documents.removeById(id))) ?? false,
    addInBackground: (address, options) =>
      worklist.start(address, async function* () {
        yield* (await get()).add(address, { ...options, signal: stopped });
      }),
    refreshInBackground: () =>
      worklist.start('refresh', async function* () {
        if (isThere()) yield* (await get()).refresh({ signal: stopped });
      }),
    work: () => worklist.list(),
    embed: async () => ifThere((documents) => documents.embed()),
    close: async () => {
      stopping.abort(new Error('stopping'));
      await Promise.all([reading, worklist.idle()]);
      await (await opened?.catch(() => undefined))?.close();
    },
    readFolder: () => {
      reading = reading.then(readFolder);
      return reading;
    },
  };
};
