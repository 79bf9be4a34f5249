import { z } from 'zod';

/**
 * Told by a service of each event that became a dead letter there. It is about an event and not about an order, so it
 * stands beside the topology: no group of ours wants it, the delivery audit does not ask for it, and whoever reads it
 * takes part from then on.
 */
export const DEAD_LETTERED = 'event.dead_lettered';

export const DEAD_LETTERED_SCHEMA = `urn:order-events:${DEAD_LETTERED}:1`;

export const DeadLettered = z.object({
  /** Where it is dead; `relay`: it could not be published. */
  group: z.string(),
  event_id: z.guid(),
  topic: z.string(),
  /** The order id, where the event could be read. */
  key: z.string(),
  attempts: z.int(),
  error: z.string(),
});
export type DeadLettered = z.infer<typeof DeadLettered>;

/** What setup declares. */
export const deadLetterTopic = { topic: DEAD_LETTERED, groups: [] } as const;
