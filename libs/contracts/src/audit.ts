import { z } from 'zod';
import { holdersOf } from './delivery';
import type { Topic } from './events';
import { publishedBy, services, topology, type Service } from './topology';

/**
 * The delivery audit's own messages: a publisher asks a group which of its events the group's inbox does not hold. They
 * are no events of an order, pass no inbox, and may get lost; whoever misses an answer asks again.
 */
const EventId = z.uuid();

/** The most ids that one question names. */
export const QUESTION_IDS = 1_000;

/** Asked on `audit.<group>`. */
export const AuditQuestion = z.object({
  /** UUIDv7 of the publisher's clock when it first asked. A repeated question keeps it. */
  question: EventId,
  /** Who asks, and is answered on `audited.<publisher>`. */
  publisher: z.string(),
  group: z.string(),
  /** What the publisher publishes for this group: the answer's `newest` is of one of these. */
  topics: z.array(z.string()),
  ids: z.array(EventId).min(1).max(QUESTION_IDS),
});
export type AuditQuestion = z.infer<typeof AuditQuestion>;

/** Answered on `audited.<publisher>`. */
export const AuditAnswer = z.object({
  question: EventId,
  group: z.string(),
  /** Those of the question's ids that the inbox does not hold, in whatever state. */
  missing: z.array(EventId),
  /** When the newest event of this publisher that the group has handled came into being, by the publisher's clock. */
  newest: z.iso.datetime().optional(),
  /** Nothing waits for the group or is in its hands. */
  idle: z.boolean(),
});
export type AuditAnswer = z.infer<typeof AuditAnswer>;

export const AUDIT_SCHEMA = 'urn:order-events:audit:1';

export function questionsFor(group: string): string {
  return `audit.${group}`;
}

export function answersFor(publisher: string): string {
  return `audited.${publisher}`;
}

/** Every topic of the audit with the group that reads it. */
export const auditTopics: readonly { topic: string; groups: readonly string[] }[] = services.flatMap((service) => [
  { topic: questionsFor(service), groups: [service] },
  { topic: answersFor(service), groups: [service] },
]);

/**
 * The groups that a service publishes for, each with the topics of this service's of which its inbox must hold every event. None
 * may be left: the group has a place all the same, which lets the log be forgotten.
 */
export function audiences(publisher: Service): Map<Service, Topic[]> {
  const published = publishedBy(publisher);
  const groups = services.filter((group) => published.some((topic) => topology[topic].consumers.includes(group)));
  return new Map(groups.map((group) => [group, published.filter((topic) => holdersOf(topic).includes(group))]));
}
