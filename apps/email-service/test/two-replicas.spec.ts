import type { CloudEvent } from '@order-events/contracts';
import { cloudEvent, DecidingService, ends, everyRun, orderBody, TwoReplicas } from '@order-events/testing';
import { handlers, sendAnswered, tables, type EmailTables, type Mails, type SendAnswer } from '../src/domain';
import { database } from './database';

const decisions = { tables, handlers, answers: [sendAnswered] };
const orders = Array.from({ length: 50 }, (_, i) => `o${i}`);
const sent: SendAnswer = { outcome: 'sent' };

const bodyOf = (order_id: string) => orderBody(order_id, { email: 'a@example.com' });
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

/** What became of every order's mails when both replicas get its events at once, and how many were sent. */
function race(events: readonly EventOf[]) {
  return TwoReplicas.during({ ...decisions, group: 'email', database, answer: () => sent }, async (two) => {
    const found = await two.race(orders, (order) => events.map((event) => event(order)));
    const mails = await two.rows('mails', orders, statesOf);
    return found.map(({ asked, told, dead }, index) => ({ mails: mails[index], sends: asked.length, told, dead }));
  });
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
