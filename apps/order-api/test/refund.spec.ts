import { json, OrderApi, problem } from './start-order-api';

let api: OrderApi;
beforeAll(async () => {
  api = await OrderApi.start();
});
afterAll(async () => {
  await api.close();
  expect(api.errors).toEqual([]);
});

const by = { actor: 'ann', reason: 'the address does not exist' };
const refund = (id: string, body: object = by) =>
  api.operator(`/orders/${id}/refund`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const topics = async (id: string) => (await api.events(id)).map(({ topic }) => topic);
const recorded = (id: string) =>
  api.sql(`SELECT action, actor, reason FROM operator_actions WHERE details ->> 'order_id' = $1`, [id]);

test('a paid order is recalled once, on record, and is cancelled when logistics gives its shipment up', async () => {
  const id = await api.inStatus('paid');
  const answers = await Promise.all([refund(id), refund(id), refund(id)]);
  for (const answer of answers)
    expect(await json(answer)).toEqual({
      order_id: id,
      status: 'paid',
      recalled: true,
      cancel_reason: null,
      payment: 'captured',
    });
  expect((await topics(id)).slice(-2)).toEqual(['order.paid', 'order.recalled']);
  expect((await api.events(id)).at(-1)!.data).toMatchObject({ order_id: id, total: 2000, items: [{ quantity: 2 }] });
  expect(await recorded(id)).toEqual([{ action: 'refund', ...by }]);

  const about = { subject: id, sequence: 1 };
  await api.receive({ type: 'shipment.failed', ...about, data: { order_id: id, reason: 'recalled' } });
  expect((await topics(id)).at(-1)).toBe('order.cancelled');
  expect(await json(await refund(id))).toMatchObject({ status: 'cancelled', cancel_reason: 'shipment_failed' });
  expect(await recorded(id)).toHaveLength(1);
});

test.each(['pending', 'confirmed', 'completed'] as const)('a %s order is refused, with why', async (status) => {
  const id = await api.inStatus(status);
  const before = await topics(id);
  expect((await problem(await refund(id), 409)).detail).toContain(`The order is ${status}. `);
  expect(await topics(id)).toEqual(before);
  expect(await recorded(id)).toEqual([]);
});

test('without who and why nothing is done, and what is no order is not found', async () => {
  const id = await api.inStatus('paid');
  await problem(await refund(id, { actor: 'ann' }), 400);
  expect((await api.order(id)).status).toBe('paid');
  expect(await topics(id)).not.toContain('order.recalled');
  for (const none of ['nothing', 'a%20b']) await problem(await refund(none), 404);
});
