import { existsSync } from 'node:fs';
import path from 'node:path';

/** What `npm ci` in test/bubbles brings. */
export const PACKAGES = path.resolve(import.meta.dirname, '../bubbles/node_modules');
export const EXPRESS_IS_INSTALLED = existsSync(path.join(PACKAGES, 'express'));
