import { services as serviceNames, topology, type CloudEvent, type Service } from '@order-events/contracts';
import type { NewEffect, NewEvent } from '@order-events/messaging';
import { cloudEvent, DecidingService } from '@order-events/testing';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as email from '../../apps/email-service/src/domain';
import * as inventory from '../../apps/inventory-service/src/domain';
import * as logistics from '../../apps/logistics-service/src/domain';
import * as payment from '../../apps/payment-service/src/domain';
import * as orderApi from '../../apps/order-api/src/domain';

const stocked = { plenty: 100, scarce: 3, last: 1 };

type Interrupter = 'customer' | 'deadline' | 'operator';

interface Scenario {
  items: { product_id: string; quantity: number }[];
  email?: string;
  payment_token?: string;
  authorizes: boolean;
  captures: boolean;
  dispatches: boolean;
  /** Who cancels or wants a refund, and how many things happen before. */
  interrupt?: { by: Interrupter; after: number };
}

const mostly = fc.constantFrom(true, true, true, false);

const scenario: fc.Arbitrary<Scenario> = fc.record(
  {
    items: fc.array(
      fc.record({
        product_id: fc.constantFrom('plenty', 'plenty', 'plenty', 'plenty', 'scarce', 'last', 'unknown'),
        quantity: fc.integer({ min: 1, max: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    email: fc.constant('a@example.com'),
    payment_token: fc.constant('tok_of_customer'),
    authorizes: mostly,
    captures: mostly,
    dispatches: mostly,
    interrupt: fc.record({ by: fc.constantFrom('customer', 'deadline', 'operator'), after: fc.nat({ max: 100 }) }),
  },
  { requiredKeys: ['items', 'authorizes', 'captures', 'dispatches'] },
);

/** Gateway, carrier and mail server: they know a call again by its key, and keep a book that makes sense. */
class Outside {
  readonly charged = new Map<string, number>();
  readonly held = new Set<string>();
  readonly shipped = new Set<string>();
  private readonly recalled = new Set<string>();
  readonly mails: string[] = [];
  private readonly answers = new Map<string, object>();

  constructor(private readonly scenarios: ReadonlyMap<string, Scenario>) {}

  call({ kind, key, idempotencyKey, input }: NewEffect): object {
    const answer =
      this.answers.get(idempotencyKey) ?? this.answer(kind, key, idempotencyKey, input as { amount: number });
    this.answers.set(idempotencyKey, answer);
    return answer;
  }

  private answer(kind: string, order: string, idempotencyKey: string, { amount }: { amount: number }): object {
    const { authorizes, captures, dispatches } = this.scenarios.get(order)!;
    const charged = this.charged.get(order) ?? 0;
    switch (kind) {
      case 'gateway.authorize':
        if (!authorizes) return { outcome: 'declined', reason: 'card_declined' };
        this.held.add(order);
        return { outcome: 'authorized', authorization_id: `a.${order}` };
      case 'gateway.capture':
        assert(this.held.has(order), 'captured without an authorisation');
        if (!captures) return { outcome: 'failed', reason: 'card_expired' };
        this.held.delete(order);
        this.charged.set(order, charged + amount);
        return { outcome: 'captured', capture_id: `c.${order}` };
      case 'gateway.reverse':
        if (this.held.delete(order)) return { outcome: 'voided' };
        if (charged === 0) return { outcome: 'nothing' };
        this.charged.set(order, 0);
        return { outcome: 'refunded', refund_id: `r.${order}` };
      case 'carrier.dispatch':
        if (!dispatches) return { outcome: 'refused', reason: 'undeliverable_address' };
        if (this.recalled.has(order)) return { outcome: 'refused', reason: 'recalled' };
        this.shipped.add(order);
        return parcelOf(order);
      case 'carrier.recall':
        this.recalled.add(order);
        return this.shipped.has(order) ? parcelOf(order) : { outcome: 'refused', reason: 'recalled' };
      case 'mail.send':
        this.mails.push(idempotencyKey);
        return { outcome: 'sent' };
      default:
        throw new Error(`nobody outside does ${kind}`);
    }
  }
}

function parcelOf(order: string): object {
  return { outcome: 'dispatched', carrier: 'Parcels', tracking_number: `t.${order}` };
}

/** Chooses one of so many. */
type Choose = (count: number) => number;

/** All five services and what is under way between them. */
class Flow {
  readonly orderApi = new DecidingService({ tables: orderApi.tables, handlers: orderApi.handlers, answers: [] });
  readonly inventory = new DecidingService({ tables: inventory.tables, handlers: inventory.handlers, answers: [] });
  readonly payment = new DecidingService({
    tables: payment.tables,
    handlers: Object.values(payment.orderHandlers(null)),
    answers: payment.answers,
  });
  readonly logistics = new DecidingService({
    tables: logistics.tables,
    handlers: logistics.handlers,
    answers: logistics.answers,
  });
  readonly email = new DecidingService({
    tables: email.tables,
    handlers: email.handlers,
    answers: [email.sendAnswered],
  });
  readonly outside: Outside;
  private readonly services: Record<Service, Pick<DecidingService<never>, 'handle' | 'answer' | 'open'>> = {
    'order-api': this.orderApi,
    inventory: this.inventory,
    payment: this.payment,
    logistics: this.logistics,
    email: this.email,
  };
  private deliveries: { to: Service; event: CloudEvent }[] = [];
  private readonly interrupts: { order_id: string; by: Interrupter; after: number }[] = [];
  private happened = 0;

  constructor(
    readonly scenarios: ReadonlyMap<string, Scenario>,
    private readonly choose: Choose,
  ) {
    this.outside = new Outside(scenarios);
    for (const [product_id, available] of Object.entries(stocked))
      this.inventory.put({ stock: [{ product_id, version: 0, available, reserved: 0, sold: 0 }] });
    for (const [order_id, { items, email, payment_token, interrupt }] of scenarios) {
      const priced = items.map((item) => ({ ...item, unit_price: 100 }));
      const placement = { order_id, user_id: 'u1', items: priced, currency: 'EUR', email, payment_token };
      const { order, event } = orderApi.place(placement, 1_700_000_000);
      this.orderApi.put({ orders: [order] });
      this.publish([event]);
      if (interrupt) this.interrupts.push({ order_id, ...interrupt });
    }
  }

  /** Does one thing that can happen now. False: nothing is left to happen. */
  step(): boolean {
    for (const { order_id, by, after } of this.interrupts) if (after === this.happened) this.interrupt(order_id, by);
    this.happened++;
    const steps = [
      ...this.deliveries.map((delivery) => () => {
        this.deliveries = this.deliveries.filter((other) => other !== delivery);
        this.publish(this.services[delivery.to].handle(delivery.event));
      }),
      ...serviceNames.flatMap((name) => {
        const { open } = this.services[name];
        const firsts = open.filter((effect) => open.find(({ key }) => key === effect.key) === effect);
        return firsts.map((effect) => () => {
          const answer = this.outside.call(effect);
          const isTimedOut = this.choose(4) === 3;
          if (!isTimedOut) this.publish(this.services[name].answer(effect, answer));
        });
      }),
    ];
    if (steps.length === 0) return false;
    steps[this.choose(steps.length)]!();
    return true;
  }

  /** Each consumer gets each event, once or several times. */
  private publish(events: readonly NewEvent[]): void {
    for (const { type, data, sequence } of events)
      for (const to of topology[type].consumers) {
        const event = cloudEvent(type, data, sequence);
        for (let copy = this.choose(3); copy >= 0; copy--) this.deliveries.push({ to, event });
      }
  }

  private interrupt(order_id: string, by: Interrupter): void {
    const told = this.orderApi.decide({ orders: [order_id] }, ({ orders }) => {
      const order = orders.get(order_id)!;
      if (by === 'deadline') return orderApi.expire({ ...order, deadline: 900 }, 900);
      const outcome = (by === 'operator' ? orderApi.refundForOperator : orderApi.cancelForCustomer)(order);
      // An operator waits for the money to be there.
      if (by === 'operator' && (order.status === 'pending' || order.status === 'confirmed'))
        this.interrupts.push({ order_id, by, after: this.happened + 1 });
      return outcome.accepted ? outcome.decision : {};
    });
    this.publish(told);
  }
}

/** After every step, so by the plain assertion, which is fast. */
function assertStockConserved({ inventory }: Flow): void {
  for (const { product_id, available, reserved, sold } of inventory.table('stock').values()) {
    assert(available >= 0 && reserved >= 0 && sold >= 0, `less than no ${product_id}`);
    assert.equal(available + reserved + sold, stocked[product_id as keyof typeof stocked]);
  }
}

function expectSettled({ scenarios, orderApi, inventory, outside }: Flow): void {
  const soldOf = new Map(Object.keys(stocked).map((product_id) => [product_id, 0]));
  for (const order of orderApi.table('orders').values()) {
    const { order_id, status, total, version } = order;
    expect(['completed', 'cancelled']).toContain(status);
    expect(outside.charged.get(order_id) ?? 0).toBe(status === 'completed' ? total : 0);
    expect(outside.held.has(order_id)).toBe(false);
    expect(outside.shipped.has(order_id)).toBe(status === 'completed');
    if (status === 'completed')
      for (const { product_id, quantity } of order.items) soldOf.set(product_id, soldOf.get(product_id)! + quantity);

    const history = orderApi.log('order_history').filter((line) => line.order_id === order_id);
    expect(history.map((line) => line.version)).toEqual(Array.from({ length: version - 1 }, (_, index) => index + 2));

    const mails = outside.mails.filter((key) => key.startsWith(`${order_id}.`));
    expect(new Set(mails).size).toBe(mails.length);
    expect(mails.includes(`${order_id}.${status}`)).toBe(scenarios.get(order_id)!.email !== undefined);
  }
  for (const { product_id, reserved, sold } of inventory.table('stock').values()) {
    expect(reserved).toBe(0);
    expect(sold).toBe(soldOf.get(product_id));
  }
}

test('whatever comes late, twice, in another order, fails or is cancelled: every order ends, and the books agree', () => {
  const choices = fc.array(fc.nat({ max: 10_000 }), { maxLength: 200, size: 'max' });
  fc.assert(
    fc.property(fc.array(scenario, { minLength: 1, maxLength: 4 }), choices, (list, numbers) => {
      const scenarios = new Map(list.map((scenario, index) => [`o${index}`, scenario]));
      let taken = 0;
      const flow = new Flow(scenarios, (count) => (numbers[taken++] ?? 0) % count);
      do assertStockConserved(flow);
      while (flow.step());
      expectSettled(flow);
    }),
    { numRuns: 500 },
  );
});
