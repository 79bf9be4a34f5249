import { cloudEvent } from '@order-events/testing';
import {
  answers,
  cancelled,
  completed,
  confirmed,
  ofOrder,
  orderApi,
  paid,
  pending,
  rowOf,
  seen,
} from '../../test/decided-orders';
import { expire, refundForOperator, type Order } from './index';

describe('a refund that an operator wants', () => {
  test('of a paid order asks logistics, once, and a shipment that it gives up cancels the order', () => {
    const service = orderApi({ ...paid, deadline: 900 });
    const refund = () => {
      const outcome = refundForOperator(rowOf(service));
      if (outcome.accepted) service.decide({ orders: ['o1'] }, () => outcome.decision);
      return outcome.accepted;
    };
    expect([refund(), refund()]).toEqual([true, true]);
    expect(rowOf(service)).toMatchObject({ status: 'paid', recalled: true, deadline: 900 });
    service.handle(cloudEvent('shipment.failed', { ...ofOrder, reason: 'recalled' }));
    expect(refund()).toBe(true);
    service.handle(answers.refunded);
    expect(seen(service)).toEqual({
      status: 'cancelled',
      cancel_reason: 'shipment_failed',
      told: ['order.recalled', 'order.cancelled'],
      history: ['order.recalled', 'shipment.failed', 'payment.refunded'],
    });
  });

  test('of a paid order whose goods have left comes too late: it is completed', () => {
    const service = orderApi({ ...paid, recalled: true });
    service.handle(answers.dispatched);
    expect(seen(service)).toMatchObject({ status: 'completed', told: ['order.completed'] });
  });

  test.each([pending, confirmed, completed])('of a $status order is refused', (order) => {
    expect(refundForOperator(order)).toEqual({ accepted: false });
  });
});

describe('a passed deadline', () => {
  const due = (order: Order) => expire({ ...order, deadline: 900 }, 900);

  test.each([pending, confirmed])('of a $status order cancels it', (order) => {
    expect(due(order)).toMatchObject({
      rows: {
        orders: [{ status: 'cancelled', cancel_reason: 'expired', deadline: null, version: order.version + 1 }],
        order_history: [{ event: 'order.cancelled', status: 'cancelled', detail: { reason: 'expired' } }],
      },
      events: [{ type: 'order.cancelled', sequence: order.version + 1, data: { reason: 'expired' } }],
    });
  });

  test.each([paid, completed, cancelled])('of a $status order changes nothing', (order) => {
    expect(due(order)).toEqual({});
  });

  test.each([null, 901])('that is %s has not passed', (deadline) => {
    expect(expire({ ...pending, deadline }, 900)).toEqual({});
  });
});
