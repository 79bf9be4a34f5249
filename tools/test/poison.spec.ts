import { eventually } from '@order-events/testing';
import type { EventHandler } from '@order-events/messaging';
import { Door } from '../../apps/order-api/src/door/door';
import { RealServices } from './real-services';

const ORDERS = 10_000;
const AT_ONCE = 1_000;
const poisoned = new Set(['o7', 'o70', 'o100', 'o101', 'o9999']);

interface Letter {
  consumer_group: string;
  topic: string;
  key: string;
  attempts: number;
  error: string;
}

/** A handler with a bug that few orders meet. */
function buggy(handler: EventHandler): EventHandler {
  if (handler.topic !== 'order.created') return handler;
  return {
    ...handler,
    keys: (event) => handler.keys(event),
    decide(rows, event) {
      if (poisoned.has(event.subject)) throw new Error(`cannot reserve for ${event.subject}`);
      return handler.decide(rows, event);
    },
  };
}

let real: RealServices;
beforeEach(async () => {
  real = new RealServices();
  await real.setUp();
});
afterEach(() => real.remove());

test('of 10,000 orders five meet a bug and stand as dead letters, the others complete; mended and redriven, all are complete', async () => {
  const { outside, parts } = real;
  const orderApi = await real.start('order-api');
  const others = [await real.start('payment'), await real.start('logistics'), await real.start('email')];
  const inventory = await real.start('inventory', parts.inventory.handlers.map(buggy), (tries) =>
    tries < 10 ? 0 : null,
  );
  const statuses = () =>
    orderApi.sql<{ status: string; count: number }>(
      'SELECT status, count(*)::integer FROM orders GROUP BY status ORDER BY status',
    );
  const letters = async ({ ask }: Pick<typeof inventory, 'ask'>) =>
    (await ask<{ items: Letter[] }>('/dead-letters')).items;

  const door = new Door({ store: orderApi.store, maxEventBytes: 1_000_000 });
  const wish = { user_id: 'u1', items: [{ product_id: 'prod1', quantity: 1 }] };
  for (let placed = 0; placed < ORDERS; placed += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) => door.place({ order_id: `o${placed + n}`, wish, traceparent: '' })),
    );
  await eventually(() => outside.sent.size === ORDERS - poisoned.size);
  await eventually(async () => (await statuses())[0]!.count === ORDERS - poisoned.size);
  await eventually(async () => (await letters(inventory)).length === poisoned.size);
  expect(await statuses()).toEqual([
    { status: 'completed', count: ORDERS - poisoned.size },
    { status: 'pending', count: poisoned.size },
  ]);
  const dead = await letters(inventory);
  expect(new Set(dead.map(({ key }) => key))).toEqual(poisoned);
  for (const { key, ...letter } of dead)
    expect(letter).toMatchObject({ topic: 'order.created', attempts: 10, error: `Error: cannot reserve for ${key}` });
  for (const service of [orderApi, ...others]) expect(await letters(service)).toEqual([]);

  await inventory.stop();
  const mended = await real.start('inventory');
  const redrive = { error: 'cannot reserve', actor: 'ann', reason: 'reserving is mended' };
  expect(await mended.ask('/dead-letters/redrive', redrive)).toEqual({ dry_run: false, count: poisoned.size });
  await eventually(async () => (await statuses())[0]!.count === ORDERS);
  expect(await statuses()).toEqual([{ status: 'completed', count: ORDERS }]);
  expect(await letters(mended)).toEqual([]);
  await eventually(async () => (await mended.ask<{ backlog: number }>('/lag')).backlog === 0);
  expect(await mended.sql(`SELECT reserved, sold FROM stock WHERE product_id = 'prod1'`)).toEqual([
    { reserved: 0, sold: ORDERS },
  ]);
  expect([outside.charged.size, outside.sent.size]).toEqual([ORDERS, ORDERS]);
  expect(new Set(outside.charged.values())).toEqual(new Set([1_000]));
  expect(new Set(outside.sent.values())).toEqual(new Set([1]));
});
