import type { CloudEvent, OrderBody } from '@order-events/contracts';
import { PostgresStore, SharedTables1790000000000 } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { cloudEvent, DecidingService, ends, everyRun, TwoProcesses } from '@order-events/testing';
import { handlers, sendAnswered, tables, type EmailTables, type Mails, type SendAnswer } from '../src/domain';
import { migrations } from '../src/store/migrations';

const decisions = { tables, handlers, answers: [sendAnswered] };
const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);
const sent: SendAnswer = { outcome: 'sent' };
const errors: Error[] = [];
afterEach(() => expect(errors.splice(0)).toEqual([]));

const bodyOf = (order_id: string): OrderBody => ({
  order_id,
  user_id: 'u1',
  product_ids: ['apple'],
  timestamp: 1_700_000_000,
  items: [{ product_id: 'apple', quantity: 2, unit_price: 100 }],
  total: 200,
  currency: 'EUR',
  email: 'a@example.com',
});
const created = (order: string) => cloudEvent('order.created', bodyOf(order), 1);
const confirmed = (order: string) => cloudEvent('order.confirmed', bodyOf(order), 3);
const completed = (order: string) =>
  cloudEvent('order.completed', { ...bodyOf(order), carrier: 'Parcels', tracking_number: 't1' }, 5);
const cancelled = (order: string) => cloudEvent('order.cancelled', { ...bodyOf(order), reason: 'expired' as const }, 5);
type EventOf = (order: string) => CloudEvent;

const statesOf = ({ received, confirmed, completed, cancelled }: Mails) => ({
  received,
  confirmed,
  completed,
  cancelled,
});

/** What became of every order's mails when both processes get its events at once, and how many were sent. */
async function race(events: readonly EventOf[]) {
  const two = await TwoProcesses.start({
    ...decisions,
    group: 'email',
    migrate: (ownerUrl) =>
      migrate({ ownerUrl, loginRole: 'postgres', migrations: [SharedTables1790000000000, ...migrations] }),
    store: (url, applicationName) =>
      new PostgresStore({ url, connections: 5, applicationName, onError: (error) => errors.push(error) }),
    answer: () => sent,
  });
  try {
    const found = await two.race(orders, (order) => events.map((event) => event(order)));
    const mails = await two.rows('mails', orders, statesOf);
    return found.map(({ asked, told, dead }, index) => ({ mails: mails[index], sends: asked.length, told, dead }));
  } finally {
    await two.close();
  }
}

/** The same, when everything happens one after the other, in whatever order. */
function oneByOne(events: readonly EventOf[]) {
  const runs = everyRun(
    new DecidingService<EmailTables>(decisions),
    events.map((event) => event('o1')),
    () => sent,
  );
  return ends(runs, (service) => ({
    mails: statesOf(service.table('mails').get('o1')!),
    sends: service.effects.length,
    told: [],
    dead: [],
  }));
}

test.each<[string, EventOf[]]>([
  ['created', [created]],
  ['confirmed', [confirmed]],
  ['completed', [completed]],
  ['cancelled', [cancelled]],
  ['created and confirmed', [created, confirmed]],
])('%s: a mail each, sent once', async (_, events) => {
  const [end, ...others] = oneByOne(events);
  expect(others).toEqual([]);
  expect(end!.sends).toBe(events.length);
  expect(await race(events)).toEqual(orders.map(() => end));
});

test.each<[string, EventOf[]]>([
  ['completed', [created, confirmed, completed]],
  ['cancelled', [created, confirmed, cancelled]],
])('%s with created and confirmed: what it has overtaken is not sent', async (final, events) => {
  const allowed = oneByOne(events);
  for (const end of await race(events)) {
    expect(end.mails).toMatchObject({ [final]: 'sent' });
    expect(allowed).toContainEqual(end);
  }
});
