import { z } from 'zod';

/** `x-ops`: what the assistant's owner tells the operators' part of the service. No visitor reads it. */
export const opsFields = z.object({
  /** Phrases by which an answer says that the assistant does not know; in place of those of docs/operators.md. */
  unanswered: z.array(z.string().trim().min(3).max(200)).max(100).exactOptional(),
  /** What a message that moderation has flagged is answered with. */
  refusal: z.string().trim().min(1).max(1_000).exactOptional(),
});

export type OpsFields = z.output<typeof opsFields>;
