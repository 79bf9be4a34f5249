import type { OrderBody } from '@order-events/contracts';
import type { NewEffect } from '@order-events/messaging';
import { cloudEvent, DecidingService, ends, everyRun, orderBody } from '@order-events/testing';
import { handlers, sendAnswered, tables, type EmailTables, type MailType, type SendAnswer } from './index';

const order = orderBody('o1', { email: 'a@example.com' });
const shipped = { carrier: 'Parcels', tracking_number: 't1' };

/** The events that call for mails, of an order with and of one without a recipient. */
const eventsOf = (body: OrderBody) => ({
  created: cloudEvent('order.created', body, 1),
  confirmed: cloudEvent('order.confirmed', body, 3),
  completed: cloudEvent('order.completed', { ...body, ...shipped }, 5),
  cancelled: cloudEvent('order.cancelled', { ...body, reason: 'expired' }, 5),
});
const { created, confirmed, completed, cancelled } = eventsOf(order);

const email = () => new DecidingService({ tables, handlers, answers: [sendAnswered] });
const sends = (): SendAnswer => ({ outcome: 'sent' });

/** The mails of the order that there was any reason for. */
function seen(service: DecidingService<EmailTables>): Partial<Record<MailType, string>> {
  const row = service.table('mails').get('o1')!;
  const types: MailType[] = ['received', 'confirmed', 'completed', 'cancelled'];
  return Object.fromEntries(types.flatMap((type) => (row[type] === null ? [] : [[type, row[type]]])));
}

test.each([
  ['created', created, 'received'],
  ['confirmed', confirmed, 'confirmed'],
  ['completed', completed, 'completed'],
  ['cancelled', cancelled, 'cancelled'],
])('%s: one mail, with all that it tells of', (_, event, type) => {
  const runs = [...everyRun(email(), [event], sends)];
  expect(ends(runs, seen)).toEqual([{ [type]: 'sent' }]);
  expect(ends(runs, ({ effects }) => effects)).toEqual([
    [
      {
        kind: 'mail.send',
        key: 'o1',
        idempotencyKey: `o1.${type}`,
        input: { order_id: 'o1', type, recipient: 'a@example.com', order: event.data },
      },
    ],
  ]);
});

test('created and confirmed in any order: a mail each', () => {
  expect(ends(everyRun(email(), [created, confirmed], sends), seen)).toEqual([{ received: 'sent', confirmed: 'sent' }]);
});

test.each([
  ['completed', completed],
  ['cancelled', cancelled],
])('%s in any order with created and confirmed: always one of its own, and no other mail after it', (type, final) => {
  const runs = [...everyRun(email(), [created, confirmed, final], sends)];
  const found = ends(runs, seen);
  for (const received of ['sent', 'skipped'])
    for (const confirmed of ['sent', 'skipped']) expect(found).toContainEqual({ received, confirmed, [type]: 'sent' });
  expect(found).toHaveLength(4);
  for (const { effects } of runs) expect(effects.at(-1)!.idempotencyKey).toBe(`o1.${type}`);
});

test('an order without a recipient: every mail is skipped', () => {
  const { email: _, ...anonymous } = order;
  const events = eventsOf(anonymous);
  expect(ends(everyRun(email(), [events.created, events.confirmed, events.completed], sends), seen)).toEqual([
    { received: 'skipped', confirmed: 'skipped', completed: 'skipped' },
  ]);
});

test('a mail that the server refuses is not sent again, and why is written down', () => {
  const refuses = (): SendAnswer => ({ outcome: 'refused', reason: 'no such mailbox' });
  const runs = [...everyRun(email(), [created], refuses)];
  expect(ends(runs, seen)).toEqual([{ received: 'refused' }]);
  expect(ends(runs, (service) => service.table('mails').get('o1')!.refusals)).toEqual([
    { received: 'no such mailbox' },
  ]);
  expect(ends(runs, ({ effects }) => effects.length)).toEqual([1]);
});

test('each of two mails that are refused keeps its own reason', () => {
  const refuses = ({ idempotencyKey }: NewEffect): SendAnswer => ({ outcome: 'refused', reason: idempotencyKey });
  const runs = [...everyRun(email(), [created, confirmed], refuses)];
  expect(runs).not.toEqual([]);
  for (const service of runs)
    expect(service.table('mails').get('o1')).toMatchObject({
      refusals: { received: 'o1.received', confirmed: 'o1.confirmed' },
    });
});

test('what is kept for a mail does not have the means of payment', () => {
  const service = email();
  service.handle(cloudEvent('order.created', { ...order, payment_token: 'tok_of_customer' }));
  expect(JSON.stringify(service.effects)).not.toMatch(/payment_token|tok_of_customer/);
});

test('an answer that nobody waits for changes nothing', () => {
  const service = email();
  service.handle(created);
  const { input } = service.effects[0]!;
  service.answer(service.open[0]!, sends());
  expect(sendAnswered.decide({ mails: service.table('mails') }, input as never, sends())).toEqual({});
});
