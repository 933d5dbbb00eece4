/** The form of an exchange in conversations.json. */

import { z } from 'zod';

const source = z.object({
  n: z.number(),
  title: z.string(),
  url: z.string().exactOptional(),
  place: z.string().exactOptional(),
});
const feedback = z.object({ rating: z.enum(['up', 'down']), comment: z.string().exactOptional() });
const run = z.object({
  backend: z.string(),
  model: z.string().exactOptional(),
  queuedMs: z.number().exactOptional(),
  firstWordMs: z.number().exactOptional(),
  totalMs: z.number(),
  tools: z.array(z.string()).exactOptional(),
});

/**
 * What the service knows of an exchange in conversations.json. The rest is taken as it is: a log of the older form
 * may have fields of its own, some by our names.
 */
export const storedExchange = z.looseObject({
  user: z.string(),
  bot: z.string().nullable(),
  timestamp: z.number(),
  id: z.string().min(1).optional().catch(undefined),
  session: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  truncated: z.literal(true).optional().catch(undefined),
  verified: z.literal(true).optional().catch(undefined),
  cleared: z.literal(true).optional().catch(undefined),
  usage: z.object({ input: z.number(), output: z.number() }).optional().catch(undefined),
  sources: z.array(source).optional().catch(undefined),
  feedback: feedback.optional().catch(undefined),
  flagged: z.array(z.string()).optional().catch(undefined),
  unanswered: z.literal(true).optional().catch(undefined),
  run: run.optional().catch(undefined),
});
export type StoredExchange = z.infer<typeof storedExchange>;
