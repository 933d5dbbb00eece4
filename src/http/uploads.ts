import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { bodyTooLarge, invalidRequest, unsupportedMediaType } from '../errors.ts';
import type { AppEnv } from './context.ts';

/** All files of an upload together, in bytes. */
const MAX_UPLOAD_BYTES = 100 * 1024 * 1024;
const MAX_FILES = 200;

/** A file that was sent. */
export interface UploadedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly contentType?: string;
}

/** Takes bodies of multipart/form-data, of at most 100 MiB. */
export const uploadGuard = (): MiddlewareHandler<AppEnv> => {
  const limit = bodyLimit({
    maxSize: MAX_UPLOAD_BYTES,
    onError: () => {
      throw bodyTooLarge();
    },
  });
  return async function uploadGuard(c, next) {
    if (!/^multipart\/form-data\s*;/i.test(c.req.header('content-type') ?? '')) throw unsupportedMediaType();
    return limit(c, next);
  };
};

/**
 * The files of an upload, whatever its fields are called, and its other fields.
 * @throws AppError `invalid_request` where it cannot be read, or has no file.
 */
export const readUpload = async (c: Context<AppEnv>) => {
  const form = await c.req.formData().catch(() => {
    throw invalidRequest('The form cannot be read.');
  });
  const sent: File[] = [];
  const fields = new Map<string, string>();
  for (const [name, value] of form.entries()) {
    if (typeof value === 'string') fields.set(name, value);
    else if (value.name !== '') sent.push(value);
  }
  if (sent.length === 0) throw invalidRequest('Send at least one file as multipart/form-data.');
  if (sent.length > MAX_FILES) throw invalidRequest(`Send at most ${MAX_FILES} files at once.`);
  const files: UploadedFile[] = [];
  for (const file of sent) {
    files.push({
      name: file.name,
      bytes: new Uint8Array(await file.arrayBuffer()),
      ...(file.type === '' || file.type === 'application/octet-stream' ? {} : { contentType: file.type }),
    });
  }
  return { files, fields };
};
