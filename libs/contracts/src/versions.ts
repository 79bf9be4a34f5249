import { z } from 'zod';
import { events, type EventData, type Topic } from './events';

/** Lifts the data of one version to the next: total, pure, and kept as long as such an event may be in any log. */
export type Upcaster = (data: unknown) => unknown;

/** What is known of each type of event: its newest version, the schema of its data, and how older data is lifted to it. */
export type Registry = Readonly<
  Record<
    string,
    { version: number; data: z.ZodType; /** At index `v - 1`: from `v` to `v + 1`. */ lifts?: readonly Upcaster[] }
  >
>;

export type Reading =
  | { ok: true; topic: Topic; data: EventData }
  | { ok: false; problem: 'unknown_type' | 'unknown_version' | 'newer_version' | 'invalid_data'; detail: string };

export function dataschema(topic: Topic, version: number = events[topic].version): string {
  return `urn:order-events:${topic}:${version}`;
}

/**
 * Reads the data of an event of any known version into the newest one. Unknown fields are tolerated and dropped.
 * `newer_version` is not an error of the event: a later deployment will know it.
 */
export function readData(type: string, schema: string, data: unknown, registry: Registry = events): Reading {
  const known = Object.hasOwn(registry, type) ? registry[type] : undefined;
  if (!known) return { ok: false, problem: 'unknown_type', detail: type };
  const prefix = `urn:order-events:${type}:`;
  const version = schema.startsWith(prefix) ? Number(schema.slice(prefix.length)) : NaN;
  if (!Number.isInteger(version) || version < 1) return { ok: false, problem: 'unknown_version', detail: schema };
  if (version > known.version) return { ok: false, problem: 'newer_version', detail: schema };
  let lifted = data;
  for (const lift of (known.lifts ?? []).slice(version - 1)) lifted = lift(lifted);
  const result = known.data.safeParse(lifted);
  return result.success
    ? { ok: true, topic: type as Topic, data: result.data as EventData }
    : { ok: false, problem: 'invalid_data', detail: z.prettifyError(result.error) };
}
