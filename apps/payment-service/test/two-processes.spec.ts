import type { CloudEvent, OrderBody } from '@order-events/contracts';
import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { cloudEvent, DecidingService, ends, everyRun, TwoProcesses } from '@order-events/testing';
import { answers, orderHandlers, tables, type Answers, type PaymentTables } from '../src/domain';
import { migrations } from '../src/store/migrations';

const decisions = { tables, handlers: Object.values(orderHandlers('tok_ok')), answers };
const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);
const errors: Error[] = [];
afterEach(() => expect(errors.splice(0)).toEqual([]));

const willing: Answers = {
  'gateway.authorize': { outcome: 'authorized', authorization_id: 'a1' },
  'gateway.capture': { outcome: 'captured', capture_id: 'c1' },
  'gateway.void': { outcome: 'voided' },
  'gateway.refund': { outcome: 'refunded', refund_id: 'r1' },
};
const declining: Answers = { ...willing, 'gateway.authorize': { outcome: 'declined', reason: 'card_declined' } };
const failing: Answers = { ...willing, 'gateway.capture': { outcome: 'failed', reason: 'card_expired' } };

const bodyOf = (order_id: string): OrderBody => ({
  order_id,
  user_id: 'u1',
  product_ids: ['apple'],
  timestamp: 1_700_000_000,
  items: [{ product_id: 'apple', quantity: 2, unit_price: 100 }],
  total: 200,
  currency: 'EUR',
});
const created = (order: string) => cloudEvent('order.created', bodyOf(order), 1);
const confirmed = (order: string) => cloudEvent('order.confirmed', bodyOf(order), 3);
const cancelled = (order: string) =>
  cloudEvent('order.cancelled', { ...bodyOf(order), reason: 'customer_request' as const }, 4);
type EventOf = (order: string) => CloudEvent;

interface PaymentEnd {
  state: string;
  asked: string[];
  told: string[];
  dead: string[];
}

/** How every order ends when both processes get its events at once. */
async function race(events: readonly EventOf[], gateway: Answers): Promise<PaymentEnd[]> {
  const two = await TwoProcesses.start({
    ...decisions,
    group: 'payment',
    migrate: (ownerUrl) =>
      migrate({ ownerUrl, loginRole: 'postgres', migrations: [SharedTables1790000000000, ...migrations] }),
    store: (url, applicationName) =>
      new PostgresStore({ url, connections: 5, applicationName, onError: (error) => errors.push(error) }),
    answer: ({ kind }) => gateway[kind as keyof Answers],
  });
  try {
    const found = await two.race(orders, (order) => events.map((event) => event(order)));
    const states = await two.rows('payments', orders, ({ state }) => state);
    return found.map((end, index) => ({ state: states[index]!, ...end }));
  } finally {
    await two.close();
  }
}

/** How an order can end when everything happens one after the other, in whatever order. */
function oneByOne(events: readonly EventOf[], gateway: Answers): PaymentEnd[] {
  const runs = everyRun(
    new DecidingService<PaymentTables>(decisions),
    events.map((event) => event('o1')),
    ({ kind }) => gateway[kind as keyof Answers],
  );
  return ends(runs, (service) => ({
    state: service.table('payments').get('o1')!.state,
    asked: service.effects.map(({ kind }) => kind),
    told: service.events.map(({ type }) => type),
    dead: [],
  }));
}

const asked = (...verbs: string[]) => verbs.map((verb) => `gateway.${verb}`);
const told = (...words: string[]) => words.map((word) => `payment.${word}`);

describe('an order that is not cancelled ends in one way', () => {
  test.each<[string, EventOf[], Answers, Omit<PaymentEnd, 'dead'>]>([
    ['created', [created], willing, { state: 'authorized', asked: asked('authorize'), told: told('authorized') }],
    [
      'created, declined',
      [created],
      declining,
      { state: 'declined', asked: asked('authorize'), told: told('declined') },
    ],
    [
      'confirmed',
      [confirmed],
      willing,
      { state: 'captured', asked: asked('authorize', 'capture'), told: told('captured') },
    ],
  ])('%s', async (_, events, gateway, end) => {
    expect(await race(events, gateway)).toEqual(orders.map(() => ({ ...end, dead: [] })));
  });
});

describe('created and confirmed: captured once, or once told why not', () => {
  test.each<[string, Answers, string, string[], string]>([
    ['willing', willing, 'captured', asked('authorize', 'capture'), 'payment.captured'],
    ['declining', declining, 'declined', asked('authorize'), 'payment.capture_failed'],
    ['failing to capture', failing, 'capture_failed', asked('authorize', 'capture'), 'payment.capture_failed'],
  ])('%s', async (_, gateway, state, calls, last) => {
    const found = await race([created, confirmed], gateway);
    for (const end of found) {
      expect(end).toMatchObject({ state, asked: calls, dead: [] });
      expect(end.told.at(-1)).toBe(last);
    }
    const allowed = oneByOne([created, confirmed], gateway);
    for (const end of different(found)) expect(allowed).toContainEqual(end);
  });
});

describe('cancelled: nothing is kept of the money', () => {
  test.each<[string, EventOf[], Answers, string[]]>([
    ['alone', [], willing, ['none']],
    ['created', [created], willing, ['none', 'voided']],
    ['created, declined', [created], declining, ['none', 'declined']],
    ['confirmed', [confirmed], willing, ['none', 'voided', 'refunded']],
    ['created and confirmed', [created, confirmed], willing, ['none', 'voided', 'refunded']],
    ['created and confirmed, declined', [created, confirmed], declining, ['none', 'declined']],
    ['created and confirmed, failing to capture', [created, confirmed], failing, ['none', 'voided']],
  ])('with %s', async (_, others, gateway, states) => {
    const found = await race([...others, cancelled], gateway);
    const allowed = oneByOne([...others, cancelled], gateway);
    for (const end of different(found)) expect(allowed).toContainEqual(end);
    for (const { state, asked, told } of found) {
      expect(states).toContain(state);
      expect(asked.includes('gateway.void')).toBe(state === 'voided');
      expect(asked.includes('gateway.refund')).toBe(state === 'refunded');
      expect(told.includes('payment.voided')).toBe(state === 'voided');
      expect(told.includes('payment.refunded')).toBe(state === 'refunded');
    }
  });
});

/** The different ones. */
function different(found: readonly PaymentEnd[]): PaymentEnd[] {
  return [...new Map(found.map((end) => [JSON.stringify(end), end])).values()];
}
