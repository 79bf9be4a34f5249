import { DEAD_LETTERED, DEAD_LETTERED_SCHEMA, Id, type DeadLettered } from '@order-events/contracts';
import { toBinary } from './cloud-events';
import type { OutboxEntry } from './ports/store';

/** The whole error is kept with the dead letter. */
const ERROR_CHARACTERS = 1_000;
/** How an error begins that has a name. */
const NAMED = /^(\w+): /;

/**
 * The event that tells of a dead letter, whatever that holds, to be appended in the transaction that files it; none of one that itself told of
 * a dead letter. Two attributes of our own, `group` and `errortype`, let a broker that looks at headers sort them.
 * @param id of the new event
 * @param source who tells it, `/inventory`
 */
export function deadLettered(letter: DeadLettered, id: string, source: string): OutboxEntry[] {
  const { group, event_id, topic, key } = letter;
  if (topic === DEAD_LETTERED) return [];
  const subject = `${group}/${event_id}`;
  const attributes = {
    id,
    source,
    type: DEAD_LETTERED,
    subject,
    dataschema: DEAD_LETTERED_SCHEMA,
    partitionkey: subject,
    correlationid: Id.safeParse(key).success ? key : undefined,
    causationid: event_id,
    group,
    errortype: NAMED.exec(letter.error)?.[1],
  };
  const data: DeadLettered = { ...letter, error: letter.error.slice(0, ERROR_CHARACTERS) };
  return [{ id, ...toBinary(DEAD_LETTERED, subject, attributes, data) }];
}
