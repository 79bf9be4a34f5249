import type { CloudEvent } from '@order-events/contracts';
import { cloudEvent, orderBody, TwoReplicas, type OrderEnd } from '@order-events/testing';
import { answers, handlers, tables, type CarrierAnswer, type Shipment } from '../src/domain';
import { database } from './database';

const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);

const bodyOf = (order_id: string) =>
  orderBody(order_id, { shipping_address: { street: 'Main Street 1', city: 'Springfield' } });
const created = (order: string) => cloudEvent('order.created', bodyOf(order), 1);
const paid = (order: string) => cloudEvent('order.paid', bodyOf(order), 4);
const recalled = (order: string) => cloudEvent('order.recalled', bodyOf(order), 5);
const cancelled = (order: string) =>
  cloudEvent('order.cancelled', { ...bodyOf(order), reason: 'shipment_failed' as const }, 5);
type EventOf = (order: string) => CloudEvent;

const accepts: CarrierAnswer = { outcome: 'dispatched', carrier: 'Parcels', tracking_number: 't1' };
const refuses: CarrierAnswer = { outcome: 'refused', reason: 'undeliverable_address' };

type End = OrderEnd & { state: Shipment['state'] };

const keeps: CarrierAnswer = { outcome: 'refused', reason: 'recalled' };

/**
 * How every order ends when both replicas get its events at once. A parcel is answered with `answer`; a recall finds that the
 * carrier does not have it.
 */
function race(events: readonly EventOf[], answer: CarrierAnswer): Promise<End[]> {
  return TwoReplicas.during(
    {
      tables,
      handlers,
      answers,
      group: 'logistics',
      database,
      answer: ({ kind }) => (kind === 'carrier.recall' ? keeps : answer),
    },
    async (two) => {
      const found = await two.race(orders, (order) => events.map((event) => event(order)));
      const states = await two.rows('shipments', orders, ({ state }) => state);
      return found.map((end, index) => ({ ...end, state: states[index]! }));
    },
  );
}

const end = (state: End['state'], told: string[] = [], dead: string[] = []): End => ({
  state,
  asked: ['carrier.dispatch'],
  told,
  dead,
});
const unasked = (state: End['state']): End => ({ ...end(state), asked: [] });

test.each<[string, EventOf[], CarrierAnswer, End]>([
  ['created: planned, and nobody is asked', [created], accepts, unasked('planned')],
  ['paid: dispatched once', [paid], accepts, end('dispatched', ['shipment.dispatched'])],
  ['paid, refused: failed once', [paid], refuses, end('failed', ['shipment.failed'])],
  ['created and paid: dispatched once', [created, paid], accepts, end('dispatched', ['shipment.dispatched'])],
  ['created and paid, refused: failed once', [created, paid], refuses, end('failed', ['shipment.failed'])],
  ['cancelled: a tombstone', [cancelled], accepts, unasked('cancelled')],
  ['created and cancelled: the plan is dropped', [created, cancelled], accepts, unasked('cancelled')],
])('%s', async (_, events, answer, expected) => {
  expect(await race(events, answer)).toEqual(orders.map(() => expected));
});

test.each<[string, EventOf[]]>([
  ['paid and cancelled', [paid, cancelled]],
  ['created, paid and cancelled', [created, paid, cancelled]],
])('%s, refused: closed, and a refusal that came first is told', async (_, events) => {
  const allowed = [unasked('cancelled'), end('cancelled'), end('cancelled', ['shipment.failed'])];
  for (const found of await race(events, refuses)) expect(allowed).toContainEqual(found);
});

test('paid and recalled: the goods have left or are kept, and either is told once', async () => {
  const kept = { ...end('failed', ['shipment.failed']), asked: ['carrier.recall'] };
  const allowed = [kept, end('dispatched', ['shipment.dispatched'])];
  for (const found of await race([paid, recalled], accepts)) expect(allowed).toContainEqual(found);
});

test('paid and cancelled, accepted: goods that have left are told of, and a cancel after that is a dead letter', async () => {
  const allowed = [
    unasked('cancelled'),
    end('dispatched', ['shipment.dispatched']),
    end('dispatched', ['shipment.dispatched'], ['order.cancelled']),
  ];
  for (const found of await race([paid, cancelled], accepts)) expect(allowed).toContainEqual(found);
});
