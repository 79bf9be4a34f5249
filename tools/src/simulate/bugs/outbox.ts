import type { Message, Transport } from '@order-events/messaging';
import type { Replica } from '../replica';
import type { Database } from '../workspace';
import { afterwards, but, transactions, type Bug } from './bug';

const transports = new WeakMap<Replica, Transport>();
/** The highest position that was read, of each outbox. */
const highest = new WeakMap<Database, number>();

export const outboxBugs: readonly Bug[] = [
  {
    name: 'publish before commit',
    within: 20,
    parts: {
      transport(transport, { replica }) {
        transports.set(replica, transport);
        return transport;
      },
      store: transactions((tx, { replica }) => ({
        async append(events) {
          await tx.append(events);
          const early = events.map(({ topic, key, headers, body }): Message => ({ topic, key, headers, body }));
          if (early.length > 0) await transports.get(replica)!.publish(early);
        },
      })),
    },
  },
  {
    name: 'outbox in another transaction than the rows',
    within: 5,
    parts: {
      store: afterwards((later) => ({
        append(events) {
          if (events.length > 0) later.push((tx) => tx.append(events));
          return Promise.resolve();
        },
      })),
    },
  },
  {
    // What a cursor by xmin or by the highest position does: it never sees what commits later under a lower number.
    name: 'a cursor that skips late committers',
    within: 20,
    parts: {
      store: (store, { database }) =>
        but(store, {
          outbox() {
            const reader = store.outbox();
            return but(reader, {
              async page(limit) {
                const page = await reader.page(limit);
                const seen = highest.get(database) ?? 0;
                const later = page.filter(({ position }) => position > seen);
                if (page.length > 0 && later.length === 0) await reader.commit([]);
                highest.set(database, Math.max(seen, ...page.map(({ position }) => position)));
                return later;
              },
            });
          },
        }),
    },
  },
  {
    name: 'the cursor moves before the broker has confirmed',
    within: 60,
    parts: {
      store: (store) =>
        but(store, {
          outbox() {
            const reader = store.outbox();
            return but(reader, {
              async page(limit) {
                const page = await reader.page(limit);
                if (page.length > 0) await reader.commit([]);
                return page;
              },
            });
          },
        }),
    },
  },
  {
    name: 'what the broker has not confirmed counts as published',
    within: 40,
    parts: {
      transport: (transport) =>
        but(transport, {
          publish: (batch) => transport.publish(batch).then(() => batch.map(() => ({ stored: true }))),
        }),
    },
  },
  {
    name: 'a wake-up that gets lost, and no polling',
    within: 20,
    parts: { store: (store) => but(store, { wait: (what, _, signal) => store.wait(what, Infinity, signal) }) },
  },
];
