import { consumedBy, type Service, type Topic } from '@order-events/contracts';
import type { Transport } from '@order-events/messaging';

/** A topic that nobody handles would be read past, and one too many would wait for events that never come. */
export function assertComplete(service: Service, handlers: readonly { topic: Topic }[]): void {
  const wanted = new Set(consumedBy(service));
  const handled = new Set(handlers.map(({ topic }) => topic));
  const missing = [...wanted].filter((topic) => !handled.has(topic));
  const surplus = [...handled].filter((topic) => !wanted.has(topic));
  if (missing.length + surplus.length === 0) return;
  throw new Error(
    `${service} must handle exactly the topics that topology.ts gives it, or events would be skipped or waited for in vain; ` +
      `handlers to add: ${missing.join(', ') || 'none'}; to remove: ${surplus.join(', ') || 'none'}`,
  );
}

/** The delivery audit does not ask for what is taken at least once, so a transport that loses it would do so for good. */
export function assertKept(
  { name, capabilities }: Pick<Transport, 'name' | 'capabilities'>,
  topics: readonly Topic[],
): void {
  if (!capabilities.fleeting || topics.length === 0) return;
  throw new Error(`${name} keeps nothing, so ${topics.join(', ')} cannot be delivered at least once over it`);
}
