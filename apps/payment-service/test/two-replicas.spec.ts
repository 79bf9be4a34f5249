import type { CloudEvent } from '@order-events/contracts';
import { cloudEvent, DecidingService, ends, everyRun, orderBody, TwoReplicas } from '@order-events/testing';
import { answers, orderHandlers, tables, type PaymentTables } from '../src/domain';
import { database } from './database';
import { answerOf, by, declining, failing, willing, type GatewayAnswers } from './gateway-answers';

const decisions = { tables, handlers: Object.values(orderHandlers('tok_ok')), answers };
const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);

const created = (order: string) => cloudEvent('order.created', orderBody(order), 1);
const confirmed = (order: string) => cloudEvent('order.confirmed', orderBody(order), 3);
const cancelled = (order: string) =>
  cloudEvent('order.cancelled', { ...orderBody(order), reason: 'customer_request' as const }, 4);
type EventOf = (order: string) => CloudEvent;

interface PaymentEnd {
  state: string;
  asked: string[];
  told: string[];
  dead: string[];
}

/** How every order ends when both replicas get its events at once. */
function race(events: readonly EventOf[], gateway: GatewayAnswers): Promise<PaymentEnd[]> {
  const asked = new Map<string, { kind: string }[]>();
  const answer = (effect: { kind: string; input: unknown }) => {
    const { order_id } = effect.input as { order_id: string };
    const all = [...(asked.get(order_id) ?? []), effect];
    asked.set(order_id, all);
    return answerOf(gateway, effect, all);
  };
  return TwoReplicas.during({ ...decisions, group: 'payment', database, answer }, async (two) => {
    const found = await two.race(orders, (order) => events.map((event) => event(order)));
    const states = await two.rows('payments', orders, ({ state }) => state);
    return found.map((end, index) => ({ state: states[index]!, ...end }));
  });
}

/** How an order can end when everything happens one after the other, in whatever order. */
function oneByOne(events: readonly EventOf[], gateway: GatewayAnswers): PaymentEnd[] {
  const runs = everyRun(
    new DecidingService<PaymentTables>(decisions),
    events.map((event) => event('o1')),
    by(gateway),
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
  test.each<[string, EventOf[], GatewayAnswers, Omit<PaymentEnd, 'dead'>]>([
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
  test.each<[string, GatewayAnswers, string, string[], string]>([
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
  test.each<[string, EventOf[], GatewayAnswers, string[]]>([
    ['alone', [], willing, ['unused']],
    ['created', [created], willing, ['unused', 'voided']],
    ['created, declined', [created], declining, ['unused', 'declined']],
    ['confirmed', [confirmed], willing, ['unused', 'voided', 'refunded']],
    ['created and confirmed', [created, confirmed], willing, ['unused', 'voided', 'refunded']],
    ['created and confirmed, declined', [created, confirmed], declining, ['unused', 'declined']],
    ['created and confirmed, failing to capture', [created, confirmed], failing, ['unused', 'voided']],
  ])('with %s', async (_, others, gateway, states) => {
    const found = await race([...others, cancelled], gateway);
    const allowed = oneByOne([...others, cancelled], gateway);
    for (const end of different(found)) expect(allowed).toContainEqual(end);
    for (const { state, asked, told } of found) {
      expect(states).toContain(state);
      expect(asked.includes('gateway.reverse')).toBe(state !== 'declined');
      expect(told.includes('payment.voided')).toBe(state === 'voided');
      expect(told.includes('payment.refunded')).toBe(state === 'refunded');
    }
  });
});

/** The different ones. */
function different(found: readonly PaymentEnd[]): PaymentEnd[] {
  return [...new Map(found.map((end) => [JSON.stringify(end), end])).values()];
}
