import { consumedBy, type CloudEvent } from '@order-events/contracts';
import { DeadLetterError } from '@order-events/messaging';
import { cloudEvent, ends, everyRun, type DecidingService } from '@order-events/testing';
import {
  answers,
  cancelled,
  completed,
  confirmed,
  ofMoney,
  ofOrder,
  orderApi,
  paid,
  pending,
  rowOf,
  seen,
} from '../../test/decided-orders';
import { cancelForCustomer, handlers, place, type Order, type OrderTables } from './index';

test('every topic that comes to order-api has one handler', () => {
  expect(handlers.map(({ topic }) => topic).sort()).toEqual(consumedBy('order-api').sort());
});

describe('the two answers that a pending order waits for, in any order', () => {
  const { reserved, rejected, authorized, declined } = answers;
  const ended = (status: string, reason: string | null, history: CloudEvent[]) => ({
    status,
    cancel_reason: reason,
    told: [`order.${status}`],
    history: history.map(({ type }) => type),
  });

  test('both yes: confirmed once', () => {
    expect(ends(everyRun(orderApi(pending), [reserved, authorized]), seen)).toEqual([
      ended('confirmed', null, [reserved, authorized]),
      ended('confirmed', null, [authorized, reserved]),
    ]);
  });

  test('payment says no: cancelled once', () => {
    expect(ends(everyRun(orderApi(pending), [reserved, declined]), seen)).toEqual([
      ended('cancelled', 'payment_declined', [reserved, declined]),
      ended('cancelled', 'payment_declined', [declined]),
    ]);
  });

  test('inventory says no: cancelled once', () => {
    expect(ends(everyRun(orderApi(pending), [rejected, authorized]), seen)).toEqual([
      ended('cancelled', 'out_of_stock', [rejected]),
      ended('cancelled', 'out_of_stock', [authorized, rejected]),
    ]);
  });

  test('both no: cancelled once, for the first reason', () => {
    expect(ends(everyRun(orderApi(pending), [rejected, declined]), seen)).toEqual([
      ended('cancelled', 'out_of_stock', [rejected]),
      ended('cancelled', 'payment_declined', [declined]),
    ]);
  });
});

describe('captured and a cancel, in any order: the first one wins', () => {
  const keys = { orders: ['o1'] };
  const cancel = (service: DecidingService<OrderTables>) => {
    const outcome = cancelForCustomer(rowOf(service));
    if (outcome.accepted) service.decide(keys, () => outcome.decision);
    return outcome.accepted;
  };

  test('captured first: paid, and the cancel is refused', () => {
    const service = orderApi(confirmed);
    service.handle(answers.captured);
    expect([cancel(service), cancel(service)]).toEqual([false, false]);
    service.handle(answers.captured);
    expect(seen(service)).toMatchObject({ status: 'paid', told: ['order.paid'], history: ['payment.captured'] });
  });

  test('cancel first: cancelled, the capture is passed over and its refund recorded', () => {
    const service = orderApi(confirmed);
    expect([cancel(service), cancel(service)]).toEqual([true, true]);
    expect(ends(everyRun(service, [answers.captured, answers.refunded]), seen)).toEqual([
      {
        status: 'cancelled',
        cancel_reason: 'customer_request',
        told: ['order.cancelled'],
        history: ['order.cancelled', 'payment.refunded'],
      },
    ]);
  });
});

const dead = 'dead letter';
/** What each answer makes of an order in each status: a new status, a note, nothing (null), or a dead letter. */
// prettier-ignore
const matrix: [keyof typeof answers, (string | null)[]][] = [
  //                 pending      confirmed    paid         completed    cancelled
  ['reserved',      ['noted',     null,        null,        null,        null]],
  ['rejected',      ['cancelled', dead,        dead,        dead,        null]],
  ['authorized',    ['noted',     null,        null,        null,        null]],
  ['declined',      ['cancelled', dead,        dead,        dead,        null]],
  ['captured',      [dead,        'paid',      null,        null,        null]],
  ['captureFailed', [dead,        'cancelled', dead,        dead,        null]],
  ['voided',        [dead,        dead,        dead,        dead,        'noted']],
  ['refunded',      [dead,        dead,        dead,        dead,        'noted']],
  ['dispatched',    [dead,        dead,        'completed', null,        null]],
  ['failed',        [dead,        dead,        'cancelled', dead,        null]],
];
const statuses = [pending, confirmed, paid, completed, cancelled];

describe.each(matrix)('%s', (name, outcomes) => {
  const answer = answers[name];

  test.each(outcomes.map((outcome, index) => [statuses[index]!.status, outcome, statuses[index]!] as const))(
    'of a %s order: %s',
    (_status, outcome, order) => {
      const service = orderApi(order);
      if (outcome === dead) {
        expect(() => service.handle(answer)).toThrow(DeadLetterError);
        expect(() => service.handle(answer)).toThrow(`${answer.type} contradicts order o1, which is ${order.status}`);
        expect(rowOf(service)).toEqual(order);
        return;
      }
      service.handle(answer);
      service.handle(answer);
      const row = rowOf(service);
      if (outcome === null) {
        expect(row).toEqual(order);
        expect(service.log('order_history')).toEqual([]);
        expect(service.events).toEqual([]);
        return;
      }
      const { order_id, ...detail } = answer.data;
      const line = { order_id, version: order.version + 1, event: answer.type, status: row.status, detail };
      expect(service.log('order_history')).toEqual([line]);
      expect(row.status).toBe(outcome === 'noted' ? order.status : outcome);
      expect(service.events.map(({ type }) => type)).toEqual(outcome === 'noted' ? [] : [`order.${outcome}`]);
      expect(row.deadline).toBe(null);
    },
  );

  test('of an order that does not exist: a dead letter', () => {
    const service = orderApi();
    expect(() => service.handle(answer)).toThrow(DeadLetterError);
    expect(() => service.handle(answer)).toThrow(`${answer.type} of order o1, which does not exist`);
  });
});

describe('an answer that contradicts what was answered before is a dead letter', () => {
  const { order_id } = ofOrder;
  test.each([
    ['rejected after reserved', { ...pending, inventory: 'reserved' }, answers.rejected],
    ['declined after authorized', { ...pending, payment: 'authorized' }, answers.declined],
    ['voided after refunded', { ...cancelled, payment: 'refunded' }, answers.voided],
    ['refunded after voided', { ...cancelled, payment: 'voided' }, answers.refunded],
    ['another amount', pending, cloudEvent('payment.authorized', { ...ofMoney, amount: 1, authorization_id: 'a1' })],
    ['another currency', confirmed, cloudEvent('payment.captured', { ...ofMoney, currency: 'USD', capture_id: 'c1' })],
    [
      'a second parcel',
      completed,
      cloudEvent('shipment.dispatched', { order_id, carrier: 'Parcels', tracking_number: 't2' }),
    ],
  ] as [string, Order, CloudEvent][])('%s', (_, order, answer) => {
    const service = orderApi(order);
    expect(() => service.handle(answer)).toThrow(DeadLetterError);
    expect(rowOf(service)).toEqual(order);
  });
});

test('a note leaves the deadline alone, a new status ends it', () => {
  const service = orderApi({ ...pending, deadline: 900 });
  service.handle(answers.reserved);
  expect(rowOf(service).deadline).toBe(900);
  service.handle(answers.authorized);
  expect(rowOf(service).deadline).toBe(null);
});

describe("a card's token is kept and told only as long as payment may have to ask for the money", () => {
  const payment_token = 'tok_of_customer';
  const tokensOf = (service: DecidingService<OrderTables>) => [
    rowOf(service).payment_token,
    ...service.events.map(({ data }) => (data as Partial<Order>).payment_token),
  ];

  test.each<[string, Order, CloudEvent, (string | null | undefined)[]]>([
    ['confirmed', { ...pending, payment: 'authorized' }, answers.reserved, [payment_token, payment_token]],
    ['paid', confirmed, answers.captured, [null, undefined]],
    ['cancelled', pending, answers.declined, [null, undefined]],
    ['completed, and was written by an older version', paid, answers.dispatched, [null, undefined]],
  ])('of an order that becomes %s', (_, order, answer, expected) => {
    const service = orderApi({ ...order, payment_token });
    service.handle(answer);
    expect(tokensOf(service)).toEqual(expected);
  });
});

test('order events carry the order, and what is new of it', () => {
  const service = orderApi(pending);
  for (const name of ['reserved', 'authorized', 'captured', 'dispatched'] as const) service.handle(answers[name]);
  const body = place(
    { ...pending, email: 'a@example.com', shipping_address: undefined, payment_token: undefined },
    1_700_000_000,
  ).event.data;
  expect(service.events).toEqual([
    { type: 'order.confirmed', subject: 'o1', sequence: 3, data: body },
    { type: 'order.paid', subject: 'o1', sequence: 4, data: body },
    {
      type: 'order.completed',
      subject: 'o1',
      sequence: 5,
      data: { ...body, carrier: 'Parcels', tracking_number: 't1' },
    },
  ]);
});
