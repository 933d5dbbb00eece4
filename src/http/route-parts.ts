import { OpenAPIHono, type z } from '@hono/zod-openapi';
import { invalidRequest } from '../errors.ts';
import type { AppEnv } from './context.ts';

/** A JSON answer in a route's description. */
export const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A JSON body that a route needs, in its description. */
export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
});

/** A JSON answer that may also come as a stream, in a route's description. */
export const jsonOrStream = <T extends z.ZodType>(
  description: string,
  schema: T,
  type = 'text/event-stream',
) => ({
  description,
  content: { 'application/json': { schema }, [type]: { schema: { type: 'string' as const } } },
});

/** Server-sent events in a route's description. */
export const EVENTS = {
  description: 'The events',
  content: { 'text/event-stream': { schema: { type: 'string' as const } } },
};

/** Routes that refuse what does not fit their schemas with 400 `invalid_request`. */
export const checkedRoutes = () =>
  new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success)
        throw invalidRequest(result.error.issues[0]?.message ?? 'The request is not valid.');
    },
  });
