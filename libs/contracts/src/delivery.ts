import type { Topic } from './events';
import { consumedBy, services, topology, type Delivery, type Service, type Topology } from './topology';

export function deliveryOf(topic: Topic, group: Service): Delivery {
  return topology[topic].subscriptions[group]?.delivery ?? 'effectively-once';
}

/** The topics that a group consumes in this way. */
export function consumedWith(delivery: Delivery, group: Service): Topic[] {
  return consumedBy(group).filter((topic) => deliveryOf(topic, group) === delivery);
}

/** The groups whose inboxes are to hold every event of the topic. */
export function holdersOf(topic: Topic): Service[] {
  return topology[topic].consumers.filter((group) => deliveryOf(topic, group) === 'effectively-once');
}

/**
 * What a group is called on a broker for this topic. What is acknowledged before it is handled waits apart, so that nothing else is
 * acknowledged with it.
 */
export function brokerGroup(topic: Topic, group: Service): string {
  return deliveryOf(topic, group) === 'at-most-once' ? `${group}.at-most-once` : group;
}

/** All that a service is called on a broker. */
export function brokerGroups(group: Service): string[] {
  return [...new Set([group, ...consumedBy(group).map((topic) => brokerGroup(topic, group))])];
}

/** @throws if an essential subscription is weak all the same: what was compiled with a cast, or not at all, must not lose orders */
export function assertEssentials(table: Topology = topology): void {
  const weak = (Object.keys(table) as Topic[]).flatMap((topic) =>
    services.flatMap((group) => {
      const { essential = false, delivery } = table[topic].subscriptions[group] ?? {};
      return essential && delivery !== undefined ? [`${topic} to ${group} (${delivery})`] : [];
    }),
  );
  if (weak.length > 0)
    throw new Error(
      `orders would be lost or done twice: take \`delivery\` from what is essential in topology.ts: ${weak.join(', ')}`,
    );
}
