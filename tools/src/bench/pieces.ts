import {
  Batcher,
  Pipeline,
  Relay,
  systemRuntime,
  tenTries,
  type Consumer,
  type EventHandler,
  type Observer,
  type OutboxEntry,
  type Store,
} from '@order-events/messaging';
import type { Variant } from './compare';
import { created, tables } from './order';

const EVENTS = 1_000;
const CLIENTS = 50;
const LANES = 4;

/** An order's row and its event in one transaction, for many customers at once. */
export function door(store: Store): Variant[] {
  const place = async (orders: readonly OutboxEntry[]) => {
    await store.transact(async (tx) => {
      const rows = orders.map(({ key }) => ({ order_id: key, version: 1, state: 'pending' }));
      await tx.lock(tables, { orders: rows.map(({ order_id }) => order_id) });
      await tx.write(tables, { orders: rows });
      await tx.append(orders);
    });
    return orders;
  };
  const customers = async (placeOne: (order: OutboxEntry) => Promise<unknown>) => {
    const orders = created(EVENTS);
    await side(CLIENTS, orders, placeOne);
    return orders.length;
  };
  return [
    { name: 'a transaction for each order', run: () => customers((order) => place([order])) },
    {
      name: 'group commit, as the order API does',
      run: () => {
        const batcher = new Batcher(place, 100);
        return customers((order) => batcher.submit(order));
      },
    },
  ];
}

/** The outbox to a broker that takes everything at once: what is left is the database's part. */
export function relay(store: Store): Variant[] {
  const publishing = (batch: number) => async () => {
    await store.transact((tx) => tx.append(created(EVENTS)));
    const done = new AbortController();
    let published = 0;
    const observer = {
      ...failing,
      published: (count: number) => void ((published += count) >= EVENTS && done.abort()),
    };
    const transport = {
      publish: (messages: readonly unknown[]) => Promise.resolve(messages.map(() => ({ stored: true as const }))),
    };
    await new Relay({ store, transport, runtime: systemRuntime, observer, batch }).run(done.signal);
    return published;
  };
  return [
    { name: 'one event at a time', run: publishing(1) },
    { name: 'windows of 500', run: publishing(500) },
  ];
}

/** Events into the inbox, each with a row read and written and an answer for the outbox, four calls at once. */
export function consumer(store: Store): Variant[] {
  const onCreated: EventHandler<typeof tables, 'order.created'> = {
    topic: 'order.created',
    keys: ({ data }) => ({ orders: [data.order_id] }),
    decide: ({ orders }, { data: { order_id } }) => {
      const version = (orders.get(order_id)?.version ?? 0) + 1;
      return {
        rows: { orders: [{ order_id, version, state: 'reserved' }] },
        events: [{ type: 'inventory.reserved', subject: order_id, sequence: version, data: { order_id } }],
      };
    },
  };
  const service: Consumer<typeof tables> = {
    group: 'inventory',
    source: '/bench',
    maxEventBytes: 1_000_000,
    tables,
    handlers: new Map([[onCreated.topic, onCreated]]),
    retry: tenTries,
  };
  const pipeline = new Pipeline({ consumer: service, store, runtime: systemRuntime, observer: failing });
  const consuming = (size: number) => async () => {
    const events = created(EVENTS);
    const batches = Array.from({ length: Math.ceil(EVENTS / size) }, (_, i) => events.slice(i * size, (i + 1) * size));
    await side(LANES, batches, (batch) => pipeline.handle(batch));
    return events.length;
  };
  return [
    { name: 'a transaction for each event', run: consuming(1) },
    { name: 'batches of 100', run: consuming(100) },
  ];
}

/** Works through the items, so many side by side. */
async function side<T>(lanes: number, items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const lane = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** A measurement in which something fails measures something else. */
const fail = (_: unknown, problem: unknown): never => {
  throw problem instanceof Error ? problem : new Error(String(problem));
};
const failing: Observer = {
  handled: (_arrival, outcome, error) => void (outcome !== 'applied' && fail(outcome, error ?? outcome)),
  published: () => {},
  effectDone: () => {},
  outsideAway: (away) => fail(away, 'the outside does not answer'),
  publishFailed: fail,
  refused: fail,
  held: fail,
  effectFailed: fail,
  answerFailed: fail,
  loopFailed: fail,
};
