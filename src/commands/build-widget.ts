import { buildAssets } from '../http/widget/assets.ts';

/**
 * Builds our own chat bubble ahead of the start: `npm run build`. Without it the first start does the same; a
 * container, whose disk is read-only and which has no bundler, is built with it.
 */
if (import.meta.main) {
  try {
    const count = await buildAssets();
    process.stdout.write(`The chat bubble is built: ${count} files in dist/widget.\n`);
  } catch (thrown) {
    process.stderr.write(
      `The chat bubble could not be built: ${thrown instanceof Error ? thrown.message : thrown}\n`,
    );
    process.exit(1);
  }
}
