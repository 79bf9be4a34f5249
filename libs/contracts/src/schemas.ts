import { join } from 'node:path';
import { z } from 'zod';
import { DEAD_LETTERED, DEAD_LETTERED_SCHEMA, DeadLettered } from './dead-letter';
import { events, topics } from './events';
import { dataschema } from './versions';

/** The same in Protobuf, for those who want it in that form. */
export const eventsProtoFile = join(__dirname, '../events.proto');

/** JSON Schema 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of each event's data, in the newest version, by the name of its file in `docs/events`: `<type>.<version>.json`. */
export function eventSchemas(): ReadonlyMap<string, JsonSchema> {
  const ours = topics.map((topic) => {
    const { version, data } = events[topic];
    return [`${topic}.${version}.json`, schemaOf(dataschema(topic), data)] as const;
  });
  return new Map([...ours, [`${DEAD_LETTERED}.1.json`, schemaOf(DEAD_LETTERED_SCHEMA, DeadLettered)]]);
}

/** As a reader takes it: with fields that it does not know. */
function schemaOf(id: string, data: z.ZodType): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(data, { io: 'input' });
  return { $schema, $id: id, ...schema };
}

/**
 * What of a published schema a change would break, as paths; empty for a change that is additive. Events of either form are
 * in logs and queues while two versions run, so each must be able to read the other's: a field may come that nobody needs, and
 * nothing else may change. Everything else is a new version with an upcaster.
 */
export function breakingChanges(published: JsonSchema, current: JsonSchema, path = 'data'): string[] {
  const { properties: before, items: itemsBefore, ...restBefore } = published as Shape;
  const { properties: after, items: itemsAfter, ...restAfter } = current as Shape;
  const broken = same(restBefore, restAfter) ? [] : [path];
  if (itemsBefore && itemsAfter) broken.push(...breakingChanges(itemsBefore, itemsAfter, `${path}[]`));
  else if (itemsBefore || itemsAfter) broken.push(`${path}[]`);
  for (const [name, schema] of Object.entries(before ?? {})) {
    const now = after?.[name];
    broken.push(...(now ? breakingChanges(schema, now, `${path}.${name}`) : [`${path}.${name}`]));
  }
  return broken;
}

interface Shape extends JsonSchema {
  properties?: Readonly<Record<string, JsonSchema>>;
  items?: JsonSchema;
}

const same = (one: unknown, other: unknown) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

/** Neither the order of keys nor that of words in `required` and `enum` means anything. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
