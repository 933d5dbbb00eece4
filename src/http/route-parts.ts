import { OpenAPIHono, type z } from '@hono/zod-openapi';
import { invalidRequest } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { errorAnswer } from './schemas.ts';

/** A JSON answer, or body, in a route's description. */
export const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A failure in a route's description. @param codes The codes that it can have. */
export const failure = (codes: string) => ({
  description: codes,
  content: { 'application/json': { schema: errorAnswer } },
});

/** Routes that refuse what does not fit their schemas with 400 `invalid_request`. */
export const checkedRoutes = () =>
  new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success)
        throw invalidRequest(result.error.issues[0]?.message ?? 'The request is not valid.');
    },
  });
