import { topics, topology, type Service, type Topic } from '@order-events/contracts';
import type { Parts } from '../parts';
import { profiles, type Profile } from '../profiles';
import type { Database } from '../workspace';
import { but, type Bug } from './bug';

/** A way between two services. */
export interface Way {
  topic: Topic;
  group: Service;
}

export const ways: readonly Way[] = topics.flatMap((topic) =>
  topology[topic].consumers.map((group) => ({ topic, group })),
);

/** A broker that keeps everything, but for what is planted. */
export const keeper: Profile = { ...profiles.find(({ name }) => name === 'rabbitmq')! };

/** Nobody is asked for anything, so nothing comes back that is lost. */
export const noAudit: Pick<Parts, 'audiences'> = { audiences: () => new Map() };

/** One delivery gets lost, on each way between two services in turn; only the delivery audit would bring it back. */
export const lostDeliveries: readonly Bug[] = ways.map(({ topic, group }) => ({
  name: `one ${topic} does not come to ${group}, and no audit asks for it`,
  within: 30,
  profile: keeper,
  parts: { ...losing({ topic, group }).parts, ...noAudit },
}));

/** Loses the first event of a topic on its way to a group, in every copy but those that an audit sends again. */
export function losing({ topic, group }: Way): { parts: Pick<Parts, 'transport'>; hasLost(): boolean } {
  const lost = new WeakMap<Database, string>();
  let hasLost = false;
  const parts: Pick<Parts, 'transport'> = {
    transport: (transport, { service, database }) =>
      service !== group
        ? transport
        : but(transport, {
            subscribe: (subscribe) =>
              transport.subscribe({
                ...subscribe,
                handle(batch) {
                  const first = batch.find((message) => message.topic === topic && message.headers['ce-id']);
                  if (first && !lost.has(database)) lost.set(database, first.headers['ce-id']!);
                  const arrives = batch.filter(
                    ({ headers }) => headers['ce-resend'] !== undefined || headers['ce-id'] !== lost.get(database),
                  );
                  if (lost.has(database)) hasLost = true;
                  return subscribe.handle(arrives);
                },
              }),
          }),
  };
  return { parts, hasLost: () => hasLost };
}
