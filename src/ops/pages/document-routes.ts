import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { ServedDocuments } from '../../documents/documents.ts';
import type { TakeResult } from '../../documents/library.ts';
import type { Found } from '../../documents/search/search.ts';
import { bodyTooLarge, invalidRequest, notFound, overloaded } from '../../errors.ts';
import type { OpsPagesDeps } from './deps.ts';
import { DOCUMENTS, documentsBody, type ShownPassage, type ShownTaken } from './documents-page.ts';
import type { Html } from './parts.ts';
import { checkForm, type PagesEnv } from './session.ts';

/** All files of a form together, in bytes. */
const MAX_UPLOAD_BYTES = 100 * 1024 * 1024;
const MAX_FILES = 200;
const MAX_QUESTION = 1_000;

const csrfText = z.string().max(100).optional().catch(undefined);
const siteForm = z.object({ csrf: csrfText, url: z.url({ protocol: /^https?$/ }) });
const removeForm = z.object({ csrf: csrfText, id: z.string().max(64) });
const plainForm = z.object({ csrf: csrfText });

interface DocumentPagesDeps extends Pick<OpsPagesDeps, 'documents' | 'clock'> {
  readonly show: (c: Context<PagesEnv>, body: Html) => Response | Promise<Response>;
}

const shownPassage = ({ passage, coverage, similarity, isRelevant }: Found): ShownPassage => ({
  title: passage.source.title,
  headings: passage.headings,
  text: passage.text,
  coverage,
  isTold: isRelevant,
  ...(passage.place === undefined ? {} : { place: passage.place }),
  ...(similarity === undefined ? {} : { similarity }),
});

const shownTaken = (result: TakeResult): ShownTaken => ({
  name: result.location,
  result: result.type,
  ...('passages' in result ? { passages: result.passages } : {}),
  ...('reason' in result ? { reason: result.reason } : {}),
});

/** Adds the page about documents, with what its forms do. */
export const addDocumentPages = (app: Hono<PagesEnv>, deps: DocumentPagesDeps): void => {
  const { documents, clock, show } = deps;

  const page = async (c: Context<PagesEnv>, taken?: readonly ShownTaken[]): Promise<Response> => {
    const question = c.req.query('q')?.trim().slice(0, MAX_QUESTION) || undefined;
    const [sources, found] = await Promise.all([documents.sources(), question && documents.ask(question)]);
    const body = documentsBody({
      documents: sources,
      work: documents.work(),
      question,
      found: found ? found.map(shownPassage) : undefined,
      taken,
      csrf: c.get('csrf') ?? '',
      now: clock.now(),
    });
    return show(c, body);
  };

  app.get(DOCUMENTS, (c) => page(c));
  app.post(
    DOCUMENTS,
    bodyLimit({ maxSize: MAX_UPLOAD_BYTES, onError: () => Promise.reject(bodyTooLarge()) }),
    async (c) => {
      const { files, csrf } = await readFiles(c);
      checkForm(c, csrf);
      if (files.length === 0) throw invalidRequest('Choose at least one file.');
      if (files.length > MAX_FILES) throw invalidRequest(`Send at most ${MAX_FILES} files at once.`);
      return page(c, await takeAll(documents, files));
    },
  );
  app.post(`${DOCUMENTS}/site`, async (c) => {
    const { csrf, url } = await formOf(c, siteForm);
    checkForm(c, csrf);
    if (!documents.addInBackground(url)) throw overloaded();
    return c.redirect(DOCUMENTS, 303);
  });
  app.post(`${DOCUMENTS}/refresh`, async (c) => {
    const { csrf } = await formOf(c, plainForm);
    checkForm(c, csrf);
    if (!documents.refreshInBackground()) throw overloaded();
    return c.redirect(DOCUMENTS, 303);
  });
  app.post(`${DOCUMENTS}/remove`, async (c) => {
    const { csrf, id } = await formOf(c, removeForm);
    checkForm(c, csrf);
    if (!(await documents.removeById(id))) throw notFound();
    return c.redirect(DOCUMENTS, 303);
  });
};

/** A form's fields. @throws AppError `invalid_request` */
const formOf = async <T>(c: Context<PagesEnv>, form: z.ZodType<T>): Promise<T> => {
  const parsed = form.safeParse(await c.req.parseBody());
  if (!parsed.success) throw invalidRequest('The form is not complete.');
  return parsed.data;
};

const readFiles = async (c: Context<PagesEnv>): Promise<{ files: File[]; csrf: string | undefined }> => {
  const form = await c.req.formData().catch(() => {
    throw invalidRequest('The form cannot be read.');
  });
  const files = [...form.values()].filter((value) => typeof value !== 'string').filter(({ name }) => name);
  return { files, csrf: csrfText.parse(form.get('csrf') ?? undefined) };
};

const takeAll = async (documents: ServedDocuments, files: readonly File[]): Promise<ShownTaken[]> => {
  const taken: ShownTaken[] = [];
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const contentType =
      file.type === '' || file.type === 'application/octet-stream' ? {} : { contentType: file.type };
    taken.push(shownTaken(await documents.upload({ name: file.name, bytes, ...contentType })));
  }
  return taken;
};
