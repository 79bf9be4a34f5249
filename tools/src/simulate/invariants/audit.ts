import { isTopic, publishedBy, topology, type Service, type Topic } from '@order-events/contracts';
import type { InboxEntry } from '@order-events/messaging';
import type { Invariant, Sight } from './invariant';

/** How long an event is given to arrive before anybody may ask for it. */
const AGE_MS = 30_000;
/** A group that has handled what is so much newer need not be waited for. */
const PAST_MS = 30_000;

/** What counts as verified is held, and only what is lost is published again, once it has had its time to arrive. */
export function audit({ databases, keeper, now, report }: Sight): Invariant {
  const firstStored = new Map<string, number>();
  const forgetful = new Set<Service>();
  const unrepaired = new Set<string>();
  const inboxOf = (group: string) => databases[group as Service].database.table<InboxEntry>('inbox');

  function isPast(topic: Topic, id: string): boolean {
    const { publisher, consumers } = topology[topic];
    const topics: readonly string[] = publishedBy(publisher);
    return consumers.some((group) =>
      [...inboxOf(group).values()].some(
        (held) => topics.includes(held.topic) && timeOf(held.id) - timeOf(id) >= PAST_MS,
      ),
    );
  }

  return {
    restored(service) {
      forgetful.add(service);
      unrepaired.add(service);
    },
    repaired(service) {
      unrepaired.delete(service);
    },
    stored({ topic, key, headers }) {
      const id = headers['ce-id'];
      if (!isTopic(topic) || id === undefined) return;
      const first = firstStored.get(id);
      if (first === undefined) firstStored.set(id, now());
      if (headers['ce-resend'] === undefined) return;
      const isForgotten = topology[topic].consumers.some((group) => forgetful.has(group));
      if (keeper && !isForgotten && !isPast(topic, id))
        report(`${topic} of ${key} is published again on a broker that keeps it`);
      if (first === undefined) report(`${topic} of ${key} is published again before it is published`);
      else if (now() - first < AGE_MS) report(`${topic} of ${key} is published again before it can have come`);
    },
    verified(publisher, group, records) {
      for (const { id, topic, key } of records)
        if (!unrepaired.has(group) && !inboxOf(group).has(`${group} ${id}`))
          report(`${publisher} takes it for verified that ${group} holds ${topic} of ${key}`);
    },
  };
}

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
