import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Plugin, RolldownOptions } from 'rolldown';

/** The widget's sources. */
export const WIDGET_SOURCES = path.resolve(import.meta.dirname, '../../widget');

/** A file to serve, before it is compressed. */
export interface BundledFile {
  /** Where it is served, such as `/widget/panel-4f2c81aa.js`. */
  readonly path: string;
  readonly text: string;
}

/** Style sheets become modules that give their text: it is adopted by script, which a strict CSP allows. */
const styleSheets = (): Plugin => ({
  name: 'style-sheets',
  load: {
    filter: { id: /\.css$/ },
    handler: async (id) => ({
      code: `export default ${JSON.stringify(minifyCss(await readFile(id, 'utf8')))};`,
      moduleType: 'js',
    }),
  },
});

/** Takes out what only people read. Our own sheets hold no strings with spaces that matter. */
const minifyCss = (css: string): string =>
  css
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,>]) ?/g, '$1')
    .replace(/: /g, ':')
    .replace(/;}/g, '}')
    .trim();

const COMMON = {
  plugins: [styleSheets()],
  platform: 'browser',
  tsconfig: path.join(WIDGET_SOURCES, 'tsconfig.json'),
  logLevel: 'silent',
} as const satisfies RolldownOptions;

const OUTPUT = {
  minify: { compress: { dropConsole: true }, mangle: true, codegen: true },
  comments: false,
  // What the licences of the two packages in it ask for.
  postBanner: (chunk: { name: string }) =>
    chunk.name === 'panel'
      ? '/*! With streaming-markdown (MIT, (c) 2024 Damian Tarnawski) and eventsource-parser (MIT, (c) Espen Hovlandsdal) */'
      : '',
} as const;

/**
 * Bundles the widget: the button's script, the panel with its languages as chunks of their own, and the demo page's.
 * @throws where the bundler is not there, or does not run on this machine.
 */
export const bundleWidget = async (): Promise<BundledFile[]> => {
  // Loaded only here: a service whose widget is built never needs it.
  const { rolldown } = await import('rolldown');
  const bundle = async (
    input: Record<string, string>,
    define: Record<string, string>,
    output: { format: 'es' | 'iife'; entryFileNames: string },
  ): Promise<BundledFile[]> => {
    const build = await rolldown({ ...COMMON, input, transform: { define, target: 'es2022' } });
    try {
      const { output: made } = await build.generate({
        ...OUTPUT,
        ...output,
        chunkFileNames: 'widget/[name]-[hash].js',
      });
      return made.map((file) => ({
        path: `/${file.fileName}`,
        text: file.type === 'chunk' ? file.code : String(file.source),
      }));
    } finally {
      await build.close();
    }
  };
  const source = (file: string): string => path.join(WIDGET_SOURCES, file);
  const hashed = { format: 'es', entryFileNames: 'widget/[name]-[hash].js' } as const;
  const panel = await bundle({ panel: source('panel/panel.ts') }, {}, hashed);
  const entry = panel.find((file) => file.path.startsWith('/widget/panel-'))?.path.slice(1);
  const [loader, demo] = await Promise.all([
    bundle(
      { widget: source('widget.ts') },
      { PANEL_FILE: JSON.stringify(entry) },
      { format: 'iife', entryFileNames: 'widget.js' },
    ),
    bundle({ demo: source('demo/demo.ts') }, {}, hashed),
  ]);
  const types = await readFile(source('thread-proxy-chat.d.ts'), 'utf8');
  const styles = minifyCss(await readFile(source('demo/demo.css'), 'utf8'));
  const hash = createHash('sha256').update(styles).digest('hex').slice(0, 8);
  return [
    ...loader,
    ...panel,
    ...demo,
    { path: `/widget/demo-${hash}.css`, text: styles },
    { path: '/widget.d.ts', text: types },
  ];
};
