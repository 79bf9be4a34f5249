import {
  EffectRunner,
  encode,
  Pipeline,
  systemRuntime,
  tenTries,
  type Decision,
  type EffectHandler,
  type EventHandler,
  type Observer,
  type Rows,
} from '@order-events/messaging';
import { counters, eventually } from '@order-events/testing';
import { OutboxDatabase } from '../../test/outbox-database';

type Counters = typeof counters;
let outbox: OutboxDatabase;
beforeEach(async () => {
  outbox = await OutboxDatabase.create();
});
afterEach(() => outbox.close());

const observer = new Proxy({} as Observer, { get: () => () => {} });
const orders = ['o1', 'o2', 'o3', 'o4', 'o5'];

function count(rows: Rows<Counters>, order: string): Decision<Counters> {
  const row = rows.counters.get(order)!;
  const next = { ...row, version: row.version + 1, count: row.count + 1 };
  return {
    rows: { counters: [next] },
    events: [{ type: 'payment.voided', subject: order, sequence: next.version, data: { order_id: order } }],
  };
}

const counted = () => outbox.sql('SELECT name, count FROM counters ORDER BY name');
const sequences = async (order: string) =>
  (
    await outbox.sql<{ n: number }>(
      `SELECT (headers ->> 'ce-sequence')::integer AS n FROM outbox WHERE key = $1 ORDER BY position`,
      [order],
    )
  ).map(({ n }) => n);
const range = (length: number) => Array.from({ length }, (_, i) => i + 1);

test('two pipelines at once take the same events, doubled and in different orders, once each', async () => {
  const handler: EventHandler<Counters, 'inventory.reserved'> = {
    topic: 'inventory.reserved',
    keys: ({ subject }) => ({ counters: [subject] }),
    decide: (rows, event) => count(rows, event.subject),
  };
  const handlers = new Map([[handler.topic, handler]]);
  const consumer = { group: 'g', source: '/test', maxEventBytes: 1_000, tables: counters, handlers, retry: tenTries };
  const messages = orders.flatMap((order) =>
    range(20).map((sequence) =>
      encode(
        { type: 'inventory.reserved', subject: order, sequence, data: { order_id: order } },
        systemRuntime.eventId(),
        {
          source: '/inventory',
        },
      ),
    ),
  );
  const deliver = async (deliveries: typeof messages, batch: number) => {
    const pipeline = new Pipeline({ consumer, store: outbox.store(), runtime: systemRuntime, observer });
    for (let from = 0; from < deliveries.length; from += batch)
      await pipeline.handle(deliveries.slice(from, from + batch));
  };
  await Promise.all([deliver([...messages, ...messages], 7), deliver(messages.toReversed(), 11), deliver(messages, 3)]);
  expect(await counted()).toEqual(orders.map((name) => ({ name, count: 20 })));
  for (const order of orders) expect(await sequences(order)).toEqual(range(20));
});

test('two effect runners at once make each call once, those of one order in order', async () => {
  const calls: string[] = [];
  const handler: EffectHandler<Counters, { order: string }> = {
    kind: 'call',
    call: (_, { idempotencyKey }) => Promise.resolve(calls.push(idempotencyKey)),
    keys: ({ order }) => ({ counters: [order] }),
    decide: (rows, { order }) => count(rows, order),
  };
  const stores = [outbox.store(), outbox.store()];
  const names = range(8).map((n) => `call${n}`);
  for (const name of names) {
    await stores[0]!.transact((tx) =>
      tx.intend(
        orders.map((order) => ({ kind: 'call', key: order, idempotencyKey: `${order}.${name}`, input: { order } })),
      ),
    );
  }
  const stop = new AbortController();
  const handlers = [handler as unknown as EffectHandler<Counters>];
  const runs = stores.map((store) =>
    new EffectRunner({
      source: '/test',
      maxEventBytes: 1_000,
      tables: counters,
      handlers,
      store,
      runtime: systemRuntime,
      observer,
      parallel: 4,
    }).run(stop.signal),
  );
  await eventually(async () => {
    const [open] = await outbox.sql<{ n: number }>(`SELECT count(*) AS n FROM effects WHERE state = 'open'`);
    return open!.n === 0;
  });
  stop.abort();
  await Promise.all(runs);
  expect(calls).toHaveLength(40);
  for (const order of orders) {
    expect(calls.filter((key) => key.startsWith(order))).toEqual(names.map((name) => `${order}.${name}`));
    expect(await sequences(order)).toEqual(range(8));
  }
  expect(await counted()).toEqual(orders.map((name) => ({ name, count: 8 })));
  // What a closed effect was called with is not kept.
  expect(await outbox.sql('SELECT DISTINCT input::text FROM effects')).toEqual([{ input: 'null' }]);
});
