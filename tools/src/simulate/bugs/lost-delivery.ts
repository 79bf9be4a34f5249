import { topics, topology, type Service, type Topic } from '@order-events/contracts';
import type { Message } from '@order-events/messaging';
import type { Database } from '../workspace';
import { but, type Bug } from './bug';

/** One delivery gets lost, on each way between two services in turn; only a delivery audit could bring it back. */
export const lostDeliveries: readonly Bug[] = topics.flatMap((topic) =>
  topology[topic].consumers.map((group) => losing(topic, group)),
);

function losing(topic: Topic, group: Service): Bug {
  const lost = new WeakMap<Database, Message>();
  return {
    name: `one ${topic} does not come to ${group}`,
    within: 30,
    parts: {
      transport: (transport, { service, database }) =>
        service !== group
          ? transport
          : but(transport, {
              subscribe: (subscribe) =>
                transport.subscribe({
                  ...subscribe,
                  handle(batch) {
                    const first = batch.find((message) => message.topic === topic);
                    if (first && !lost.has(database)) lost.set(database, first);
                    return subscribe.handle(batch.filter(({ body }) => body !== lost.get(database)?.body));
                  },
                }),
            }),
    },
  };
}
