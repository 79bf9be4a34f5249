import { DeadLetterError } from '@order-events/messaging';
import { cloudEvent, DecidingService, ends, everyRun, orderBody } from '@order-events/testing';
import { answers, dispatchAnswered, handlers, tables, type CarrierAnswer, type LogisticsTables } from './index';

const order = orderBody('o1', { shipping_address: { street: 'Main Street 1', city: 'Springfield' } });
const created = cloudEvent('order.created', order, 1);
const paid = cloudEvent('order.paid', order, 4);
const recalled = cloudEvent('order.recalled', order, 5);
const cancelled = cloudEvent('order.cancelled', { ...order, reason: 'shipment_failed' }, 5);

const accepts: CarrierAnswer = { outcome: 'dispatched', carrier: 'Parcels', tracking_number: 't1' };
const refuses: CarrierAnswer = { outcome: 'refused', reason: 'undeliverable_address' };

const keeps: CarrierAnswer = { outcome: 'refused', reason: 'recalled' };

const logistics = () => new DecidingService({ tables, handlers, answers });

/** What can be seen from outside: the state, what was asked of the carrier, what was told. */
function seen(service: DecidingService<LogisticsTables>) {
  return {
    state: service.table('shipments').get('o1')?.state,
    asked: service.effects.map(({ kind }) => kind.replace('carrier.', '')),
    told: service.events.map(({ type }) => type),
  };
}

type Events = Parameters<typeof everyRun>[1];
/** A parcel that is not recalled is answered with `answer`; a recall finds that the carrier does not have it. */
const outcomes = (events: Events, answer: CarrierAnswer, service = logistics()) =>
  ends(
    everyRun(service, events, ({ kind }) => (kind === 'carrier.recall' ? keeps : answer)),
    seen,
  );

test('created: planned, and nobody is asked', () => {
  expect(outcomes([created], accepts)).toEqual([{ state: 'planned', asked: [], told: [] }]);
});

describe('paid', () => {
  test.each([
    ['no row', [paid]],
    ['in any order with created', [created, paid]],
  ])('%s: dispatched once, and told', (_, events) => {
    expect(outcomes(events, accepts)).toEqual([
      { state: 'dispatched', asked: ['dispatch'], told: ['shipment.dispatched'] },
    ]);
    expect(outcomes(events, refuses)).toEqual([{ state: 'failed', asked: ['dispatch'], told: ['shipment.failed'] }]);
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
  const kept = { state: 'failed', asked: ['recall'], told: ['shipment.failed'] };
  const left = { state: 'dispatched', asked: ['dispatch'], told: ['shipment.dispatched'] };

  test.each([
    ['alone', [recalled]],
    ['in any order with created', [created, recalled]],
  ])('%s: the carrier is told, then the goods are kept, and that is told', (_, events) => {
    expect(outcomes(events, accepts)).toEqual([kept]);
  });

  test('in any order with created and paid: kept, unless the carrier was asked first', () => {
    const found = outcomes([created, paid, recalled], accepts);
    expect(found).toHaveLength(2);
    for (const outcome of [kept, left]) expect(found).toContainEqual(outcome);
  });

  test('while the carrier is asked, and it refuses: told once', () => {
    const refused = { state: 'failed', asked: ['dispatch'], told: ['shipment.failed'] };
    expect(outcomes([paid, recalled], refuses)).toEqual(expect.arrayContaining([kept, refused]));
  });

  test('nothing is told before the carrier has answered; then why, and the order that is cancelled then is closed', () => {
    const service = logistics();
    expect(service.handle(recalled)).toEqual([]);
    expect(service.open).toEqual([
      { kind: 'carrier.recall', key: 'o1', idempotencyKey: 'o1.recall', input: { order_id: 'o1' } },
    ]);
    expect(service.answer(service.open[0]!, keeps)).toEqual([
      { type: 'shipment.failed', subject: 'o1', sequence: 2, data: { order_id: 'o1', reason: 'recalled' } },
    ]);
    service.handle(cancelled);
    expect(seen(service)).toEqual({ ...kept, state: 'cancelled' });
  });

  test('restored to before that, in any order with paid and cancelled: the carrier knows, and nothing leaves', () => {
    const service = logistics();
    service.handle(created);
    const restored = service.clone();
    service.handle(recalled);
    service.answer(service.open[0]!, keeps);
    const found = outcomes([paid, recalled, cancelled], keeps, restored);
    expect(new Set(found.map(({ state }) => state))).toEqual(new Set(['cancelled']));
    expect(new Set(found.flatMap(({ told }) => told))).toEqual(new Set(['shipment.failed']));
  });

  test('restored to before the carrier took the goods, in any order with paid: they are not said to be kept', () => {
    const found = ends(
      everyRun(logistics(), [paid, recalled], () => accepts),
      seen,
    );
    expect(found).toHaveLength(2);
    for (const asked of [['dispatch'], ['recall']]) expect(found).toContainEqual({ ...left, asked });
  });
});

describe('cancelled', () => {
  test.each([
    ['alone', [cancelled]],
    ['in any order with created', [created, cancelled]],
  ])('%s: nothing is planned, and nobody was asked', (_, events) => {
    expect(outcomes(events, accepts)).toEqual([{ state: 'cancelled', asked: [], told: [] }]);
  });

  test.each([
    ['paid', [paid, cancelled]],
    ['created and paid', [created, paid, cancelled]],
  ])('in any order with %s, when the carrier refuses: closed, and a refusal that came before is told', (_, events) => {
    const found = outcomes(events, refuses);
    expect(found).toContainEqual({ state: 'cancelled', asked: [], told: [] });
    expect(found).toContainEqual({ state: 'cancelled', asked: ['dispatch'], told: [] });
    expect(found).toContainEqual({ state: 'cancelled', asked: ['dispatch'], told: ['shipment.failed'] });
    expect(found).toHaveLength(3);
  });

  test('while the carrier is asked, and it takes the goods: that is told all the same', () => {
    const service = logistics();
    service.handle(paid);
    service.handle(cancelled);
    service.answer(service.open[0]!, accepts);
    expect(seen(service)).toEqual({ state: 'dispatched', asked: ['dispatch'], told: ['shipment.dispatched'] });
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
