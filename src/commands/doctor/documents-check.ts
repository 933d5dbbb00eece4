import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../../config/read-config.ts';
import { IN_MEMORY } from '../../documents/embeddings/nearest-passages.ts';
import { documentIndexFile, openDocumentIndex } from '../../open-documents.ts';
import { warningsOnly } from '../command.ts';
import { about, type Finding } from './finding.ts';

/** A number of dimensions that every extension takes. */
const USUAL_DIMENSIONS = 384;

const numbers = (n: number): string => n.toLocaleString('en');

/** How many passages have vectors, and what finds the nearest of them. @returns Nothing where there are none. */
export const checkDocuments = async (
  { settings }: Pick<Config, 'settings'>,
  warn: (text: string) => void,
): Promise<Finding[]> => {
  const { EMBEDDING_MODEL: model, DATABASE_URL: url, DATABASE_SCHEMA: schema } = settings;
  const dir = path.resolve(settings.DATA_DIR);
  if (model === undefined || (url === undefined && !existsSync(documentIndexFile(dir)))) return [];
  const documents = about('documents');
  try {
    const logger = warningsOnly(warn);
    const index = await openDocumentIndex(url === undefined ? { dir, logger } : { url, schema, logger });
    try {
      const vectors = Math.max(0, ...(await index.models()).map((one) => one.vectors));
      const by = await index.nearestBy(USUAL_DIMENSIONS);
      const seen = `${numbers(vectors)} passages have vectors`;
      if (vectors <= IN_MEMORY) {
        const more = by ?? 'neither sqlite-vec nor pgvector is there';
        return [documents.good(`${seen}, searched in memory (beyond ${numbers(IN_MEMORY)}: ${more})`)];
      }
      if (by !== undefined) return [documents.good(`${seen}, searched by ${by}`)];
      return [
        documents.open(
          `${seen}, all held in memory`,
          url === undefined ? 'npm install sqlite-vec' : 'create extension vector (pgvector) in the database',
        ),
      ];
    } finally {
      await index.close();
    }
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return [documents.failed(`the index cannot be opened: ${reason}`, 'look at the disk or the database')];
  }
};
