import type { EventHandler } from '@order-events/messaging';
import { cloudEvent, DecidingService, ends, everyRun, orderBody } from '@order-events/testing';
import { by, declining, failing, willing, type GatewayAnswers } from '../../test/gateway-answers';
import { answers, orderHandlers, tables, type PaymentTables } from './index';

const order = orderBody('o1', { payment_token: 'tok_of_customer' });
const created = cloudEvent('order.created', order, 1);
const confirmed = cloudEvent('order.confirmed', order, 3);
const cancelled = cloudEvent('order.cancelled', { ...order, reason: 'customer_request' }, 4);

function payment(defaultToken: string | null = null) {
  const handlers: readonly EventHandler<PaymentTables>[] = Object.values(orderHandlers(defaultToken));
  return new DecidingService({ tables, handlers, answers });
}

/** What can be seen from outside: the state, what was asked of the gateway, what was told. */
function seen(service: DecidingService<PaymentTables>) {
  return {
    state: service.table('payments').get('o1')?.state,
    asked: service.effects.map(({ kind }) => kind.replace('gateway.', '')),
    told: service.events.map(({ type }) => type.replace('payment.', '')),
  };
}

const outcomes = (events: Parameters<typeof everyRun>[1], gateway: GatewayAnswers) =>
  ends(everyRun(payment(), events, by(gateway)), seen);

describe('created', () => {
  test('no row: authorised, once, and told', () => {
    expect(outcomes([created], willing)).toEqual([{ state: 'authorized', asked: ['authorize'], told: ['authorized'] }]);
  });

  test('no row: declined, and told', () => {
    expect(outcomes([created], declining)).toEqual([{ state: 'declined', asked: ['authorize'], told: ['declined'] }]);
  });

  test('what is asked and told carries the money and the row of its time', () => {
    const service = payment();
    service.handle(created);
    const [effect] = service.effects;
    expect(effect).toEqual({
      kind: 'gateway.authorize',
      key: 'o1',
      idempotencyKey: 'o1.authorize',
      input: { order_id: 'o1', amount: 200, currency: 'EUR', token: 'tok_of_customer' },
    });
    const data = { order_id: 'o1', amount: 200, currency: 'EUR', authorization_id: 'a1' };
    expect(service.answer(effect!, willing['gateway.authorize'])).toEqual([
      { type: 'payment.authorized', subject: 'o1', sequence: 2, data },
    ]);
  });
});

describe('an order that names no token', () => {
  const { payment_token: _, ...tokenless } = order;

  test('is paid with the default token', () => {
    const service = payment('tok_default');
    service.handle(cloudEvent('order.created', tokenless));
    expect(service.effects).toMatchObject([{ input: { token: 'tok_default' } }]);
  });

  test('is declined where there is none, and the gateway is not asked', () => {
    const service = payment(null);
    expect(service.handle(cloudEvent('order.created', tokenless))).toEqual([
      { type: 'payment.declined', subject: 'o1', sequence: 1, data: { order_id: 'o1', reason: 'no_payment_token' } },
    ]);
    expect(service.effects).toEqual([]);
  });

  test('fails to be captured where there is none and it is confirmed already', () => {
    const service = payment(null);
    service.handle(cloudEvent('order.confirmed', tokenless));
    expect(service.events).toMatchObject([{ type: 'payment.capture_failed', data: { reason: 'no_payment_token' } }]);
  });
});

describe('confirmed', () => {
  test('no row: authorised, then captured; only the capture is told', () => {
    expect(outcomes([confirmed], willing)).toEqual([
      { state: 'captured', asked: ['authorize', 'capture'], told: ['captured'] },
    ]);
  });

  test('in any order with created: captured once', () => {
    expect(outcomes([created, confirmed], willing)).toEqual([
      { state: 'captured', asked: ['authorize', 'capture'], told: ['captured'] },
      { state: 'captured', asked: ['authorize', 'capture'], told: ['authorized', 'captured'] },
    ]);
  });

  test('in any order with a created that is declined: the capture has failed', () => {
    expect(outcomes([created, confirmed], declining)).toEqual([
      { state: 'declined', asked: ['authorize'], told: ['capture_failed'] },
      { state: 'declined', asked: ['authorize'], told: ['declined', 'capture_failed'] },
    ]);
  });

  test('in any order with created, when the capture fails', () => {
    expect(outcomes([created, confirmed], failing)).toEqual([
      { state: 'capture_failed', asked: ['authorize', 'capture'], told: ['capture_failed'] },
      { state: 'capture_failed', asked: ['authorize', 'capture'], told: ['authorized', 'capture_failed'] },
    ]);
  });
});

describe('cancelled', () => {
  test('alone: a tombstone, and the gateway has nothing of it', () => {
    expect(outcomes([cancelled], willing)).toEqual([{ state: 'unused', asked: ['reverse'], told: [] }]);
  });

  /** The ends that leave a cancelled order with its money back, whatever was told before the cancel came. */
  function expectMoneyBack(
    events: Parameters<typeof everyRun>[1],
    gateway: GatewayAnswers,
    reached: readonly string[],
  ) {
    const found = outcomes(events, gateway);
    for (const { state, asked, told } of found) {
      expect(asked.includes('reverse')).toBe(state !== 'declined');
      expect(told.filter((type) => type === 'voided' || type === 'refunded')).toEqual(
        state === 'voided' || state === 'refunded' ? [state] : [],
      );
      if (state === 'unused') expect({ asked, told }).toEqual({ asked: ['reverse'], told: [] });
    }
    expect([...new Set(found.map(({ state }) => state))].sort()).toEqual(reached);
  }

  test.each([
    ['created', [created], willing, ['unused', 'voided']],
    ['created that is declined', [created], declining, ['declined', 'unused']],
    ['confirmed', [confirmed], willing, ['refunded', 'unused', 'voided']],
    ['confirmed that is declined', [confirmed], declining, ['declined', 'unused']],
    ['created and confirmed', [created, confirmed], willing, ['refunded', 'unused', 'voided']],
    ['created and confirmed that are declined', [created, confirmed], declining, ['declined', 'unused']],
    ['created and confirmed whose capture fails', [created, confirmed], failing, ['unused', 'voided']],
  ])('in any order with %s: nothing is kept of the money', (_, others, gateway, reached) => {
    expectMoneyBack([...others, cancelled], gateway, reached);
  });

  test('after the cancel nothing is told but that the money went back', () => {
    const service = payment();
    service.handle(created);
    service.answer(service.open[0]!, willing['gateway.authorize']);
    service.handle(confirmed);
    service.handle(cancelled);
    expect(service.answer(service.open[0]!, willing['gateway.capture'])).toEqual([]);
    const data = { order_id: 'o1', amount: 200, currency: 'EUR', refund_id: 'r1' };
    expect(service.answer(service.open[0]!, { outcome: 'refunded', refund_id: 'r1' })).toEqual([
      { type: 'payment.refunded', subject: 'o1', sequence: 6, data },
    ]);
  });

  test('of what a restored database has forgotten: the gateway finds it by the order', () => {
    const service = payment();
    service.handle(cancelled);
    const [effect] = service.open;
    expect(effect).toMatchObject({ idempotencyKey: 'o1.reverse', input: { order_id: 'o1' } });
    expect(service.answer(effect!, { outcome: 'refunded', refund_id: 'r1' })).toMatchObject([
      { type: 'payment.refunded', data: { amount: 200, refund_id: 'r1' } },
    ]);
    service.handle(created);
    service.handle(confirmed);
    expect(seen(service)).toEqual({ state: 'refunded', asked: ['reverse'], told: ['refunded'] });
  });

  test('what was answered before the authorisation is not taken for an answer about it', () => {
    const service = payment();
    service.handle(created);
    service.answer(service.open[0]!, willing['gateway.authorize']);
    service.handle(cancelled);
    expect(service.open).toMatchObject([{ kind: 'gateway.reverse', idempotencyKey: 'o1.reverse.authorized' }]);
  });
});

test('an answer that nobody waits for changes nothing', () => {
  const service = payment();
  service.handle(created);
  service.answer(service.open[0]!, willing['gateway.authorize']);
  for (const handler of answers) {
    const rows = { payments: service.table('payments') };
    const answer = by(willing)(handler, service);
    expect(handler.decide(rows, service.effects[0]!.input as never, answer as never)).toEqual({});
  }
});
