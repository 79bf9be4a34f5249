import type { EventData, Topic } from './events';

/**
 * A CloudEvents 1.0 event as handlers see it: validated and in the newest version.
 * Attribute names are those of the specification and of its distributed-tracing, partitioning and sequence extensions.
 */
export interface CloudEvent<T extends Topic = Topic> {
  /** UUIDv7, the identity by which an inbox recognises the event. */
  id: string;
  type: T;
  /** `/order-api`, `/inventory`, … */
  source: string;
  /** The order id. */
  subject: string;
  /** When the publisher's database appended it to the outbox, RFC 3339. */
  time?: string;
  /** `urn:order-events:<type>:<version>` */
  dataschema: string;
  /** The version of the publisher's row for this subject: what a reader who cares for order sorts by. */
  sequence: number;
  partitionkey?: string;
  /** The order id. */
  correlationid?: string;
  /** Id of the event that led to this one. */
  causationid?: string;
  /** W3C trace context. */
  traceparent?: string;
  /** How often the delivery audit has published it again. */
  resend?: number;
  data: EventData<T>;
}

/** Distributes over the topics, so that a test of `type` narrows `data`. */
export type AnyEvent = { [T in Topic]: CloudEvent<T> }[Topic];
