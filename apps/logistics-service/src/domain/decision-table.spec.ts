import { DeadLetterError } from '@order-events/messaging';
import { cloudEvent, DecidingService, ends, everyRun, orderBody } from '@order-events/testing';
import { dispatchAnswered, handlers, tables, type DispatchAnswer, type LogisticsTables } from './index';

const order = orderBody('o1', { shipping_address: { street: 'Main Street 1', city: 'Springfield' } });
const created = cloudEvent('order.created', order, 1);
const paid = cloudEvent('order.paid', order, 4);
const recalled = cloudEvent('order.recalled', order, 5);
const cancelled = cloudEvent('order.cancelled', { ...order, reason: 'shipment_failed' }, 5);

const accepts: DispatchAnswer = { outcome: 'dispatched', carrier: 'Parcels', tracking_number: 't1' };
const refuses: DispatchAnswer = { outcome: 'refused', reason: 'undeliverable_address' };

const logistics = () => new DecidingService({ tables, handlers, answers: [dispatchAnswered] });

/** What can be seen from outside: the state, how often the carrier was asked, what was told. */
function seen(service: DecidingService<LogisticsTables>) {
  return {
    state: service.table('shipments').get('o1')?.state,
    asked: service.effects.length,
    told: service.events.map(({ type }) => type),
  };
}

const outcomes = (events: Parameters<typeof everyRun>[1], answer: DispatchAnswer) =>
  ends(
    everyRun(logistics(), events, () => answer),
    seen,
  );

test('created: planned, and nobody is asked', () => {
  expect(outcomes([created], accepts)).toEqual([{ state: 'planned', asked: 0, told: [] }]);
});

describe('paid', () => {
  test.each([
    ['no row', [paid]],
    ['in any order with created', [created, paid]],
  ])('%s: dispatched once, and told', (_, events) => {
    expect(outcomes(events, accepts)).toEqual([{ state: 'dispatched', asked: 1, told: ['shipment.dispatched'] }]);
    expect(outcomes(events, refuses)).toEqual([{ state: 'failed', asked: 1, told: ['shipment.failed'] }]);
  });

  test('no row: the carrier is asked with what the event carries, and its answer is passed on', () => {
    const service = logistics();
    service.handle(paid);
    const { shipping_address: address } = order;
    const items = [{ product_id: 'apple', quantity: 2 }];
    expect(service.effects).toEqual([
      { kind: 'carrier.dispatch', key: 'o1', idempotencyKey: 'o1.dispatch', input: { order_id: 'o1', items, address } },
    ]);
    const data = { order_id: 'o1', carrier: 'Parcels', tracking_number: 't1' };
    expect(service.answer(service.open[0]!, accepts)).toEqual([
      { type: 'shipment.dispatched', subject: 'o1', sequence: 2, data },
    ]);
  });

  test('an order without an address is the carrier’s to judge', () => {
    const service = logistics();
    const { shipping_address: _, ...homeless } = order;
    service.handle(cloudEvent('order.paid', homeless));
    expect(service.effects[0]!.input).toEqual({ order_id: 'o1', items: [{ product_id: 'apple', quantity: 2 }] });
  });
});

describe('recalled', () => {
  const kept = { state: 'failed', asked: 0, told: ['shipment.failed'] };
  const left = { state: 'dispatched', asked: 1, told: ['shipment.dispatched'] };

  test.each([
    ['alone', [recalled]],
    ['in any order with created', [created, recalled]],
  ])('%s: the goods are kept, and that is told', (_, events) => {
    expect(outcomes(events, accepts)).toEqual([kept]);
  });

  test('in any order with created and paid: kept, unless the carrier was asked first', () => {
    const found = outcomes([created, paid, recalled], accepts);
    expect(found).toHaveLength(2);
    for (const outcome of [kept, left]) expect(found).toContainEqual(outcome);
  });

  test('while the carrier is asked, and it refuses: told once', () => {
    const refused = { state: 'failed', asked: 1, told: ['shipment.failed'] };
    expect(outcomes([paid, recalled], refuses)).toEqual(expect.arrayContaining([kept, refused]));
  });

  test('why is told, and the order that is cancelled then is closed', () => {
    const service = logistics();
    expect(service.handle(recalled)).toEqual([
      { type: 'shipment.failed', subject: 'o1', sequence: 1, data: { order_id: 'o1', reason: 'recalled' } },
    ]);
    service.handle(cancelled);
    expect(seen(service)).toEqual({ ...kept, state: 'cancelled' });
  });
});

describe('cancelled', () => {
  test.each([
    ['alone', [cancelled]],
    ['in any order with created', [created, cancelled]],
  ])('%s: nothing is planned, and nobody was asked', (_, events) => {
    expect(outcomes(events, accepts)).toEqual([{ state: 'cancelled', asked: 0, told: [] }]);
  });

  test.each([
    ['paid', [paid, cancelled]],
    ['created and paid', [created, paid, cancelled]],
  ])('in any order with %s, when the carrier refuses: closed, and a refusal that came before is told', (_, events) => {
    const found = outcomes(events, refuses);
    expect(found).toContainEqual({ state: 'cancelled', asked: 0, told: [] });
    expect(found).toContainEqual({ state: 'cancelled', asked: 1, told: [] });
    expect(found).toContainEqual({ state: 'cancelled', asked: 1, told: ['shipment.failed'] });
    expect(found).toHaveLength(3);
  });

  test('while the carrier is asked, and it takes the goods: that is told all the same', () => {
    const service = logistics();
    service.handle(paid);
    service.handle(cancelled);
    service.answer(service.open[0]!, accepts);
    expect(seen(service)).toEqual({ state: 'dispatched', asked: 1, told: ['shipment.dispatched'] });
  });

  test('after the goods have left: a dead letter', () => {
    const service = logistics();
    service.handle(paid);
    service.answer(service.open[0]!, accepts);
    expect(() => service.handle(cancelled)).toThrow(DeadLetterError);
    expect(() => service.handle(cancelled)).toThrow('order o1 is cancelled, and its goods are on their way');
    expect(seen(service).state).toBe('dispatched');
  });
});

test('an answer that nobody waits for changes nothing', () => {
  const service = logistics();
  service.handle(paid);
  const { input } = service.effects[0]!;
  service.answer(service.open[0]!, accepts);
  for (const answer of [accepts, refuses])
    expect(dispatchAnswered.decide({ shipments: service.table('shipments') }, input as never, answer)).toEqual({});
});
