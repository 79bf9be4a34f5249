import { json, OrderApi, problem } from './start-order-api';

let api: OrderApi;
beforeAll(async () => {
  api = await OrderApi.start();
});
afterAll(async () => {
  await api.close();
  expect(api.errors).toEqual([]);
});

const topics = async (id: string) => (await api.events(id)).map(({ topic }) => topic);
const captured = (order_id: string) =>
  api.receive({
    type: 'payment.captured',
    subject: order_id,
    sequence: 2,
    data: { order_id, amount: 2000, currency: 'EUR', capture_id: 'c1' },
  });

/** Holds the lock of an order until what is returned is called. */
async function holdLock(id: string): Promise<() => Promise<void>> {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  let done!: Promise<unknown>;
  await new Promise<void>((locked) => {
    done = api.store.database.transact(async (session) => {
      await session.query('SELECT 1 FROM orders WHERE order_id = $1 FOR UPDATE', [id]);
      locked();
      await released;
    });
  });
  return async () => {
    release();
    await done;
  };
}

test('a pending order is cancelled, told of once, and a repeated cancel says the same', async () => {
  const id = await api.placed();
  const response = await api.cancel(id);
  expect(response.status).toBe(200);
  const body = await json(response);
  expect(body).toEqual({ order_id: id, status: 'cancelled', cancel_reason: 'customer_request' });
  expect(await json(await api.cancel(id))).toEqual(body);
  expect(await topics(id)).toEqual(['order.created', 'order.cancelled']);
  const event = (await api.events(id))[1]!;
  expect(event.data).toMatchObject({ order_id: id, reason: 'customer_request', total: 2000 });
  expect(event.headers).toMatchObject({ 'ce-sequence': '2', 'ce-traceparent': expect.stringMatching(/^00-/) });
});

test('a confirmed order is cancelled, with a word about the refund, also when it is repeated', async () => {
  const id = await api.inStatus('confirmed');
  const body = await json(await api.cancel(id));
  expect(body).toMatchObject({ status: 'cancelled', note: expect.stringContaining('refunded') });
  expect(await json(await api.cancel(id))).toEqual(body);
});

test.each(['paid', 'completed'] as const)('a %s order is beyond recall', async (status) => {
  const id = await api.inStatus(status);
  const before = await topics(id);
  expect((await problem(await api.cancel(id), 409)).detail).toContain(status);
  expect((await api.order(id)).status).toBe(status);
  expect(await topics(id)).toEqual(before);
});

test('an order that was cancelled for another reason keeps it', async () => {
  const id = await api.inStatus('cancelled');
  expect(await json(await api.cancel(id))).toMatchObject({ status: 'cancelled', cancel_reason: 'out_of_stock' });
});

test('an order that does not exist, or cannot, is not found', async () => {
  for (const id of ['nothing', 'a%20b', '%00']) await problem(await api.cancel(id), 404);
});

test('many cancels at once cancel once', async () => {
  const id = await api.placed();
  const responses = await Promise.all(Array.from({ length: 20 }, () => api.cancel(id)));
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
  expect(await topics(id)).toEqual(['order.created', 'order.cancelled']);
});

test('against a capture, the cancel that locks the order first wins', async () => {
  const id = await api.inStatus('confirmed');
  const release = await holdLock(id);
  const cancelled = api.cancel(id);
  await api.waiting(1);
  const handled = captured(id);
  await api.waiting(2);
  await release();
  expect((await cancelled).status).toBe(200);
  await handled;
  expect((await api.order(id)).status).toBe('cancelled');
  expect((await topics(id)).slice(2)).toEqual(['order.cancelled']);
});

test('against a capture that locks the order first, the cancel comes too late', async () => {
  const id = await api.inStatus('confirmed');
  const release = await holdLock(id);
  const handled = captured(id);
  await api.waiting(1);
  const cancelled = api.cancel(id);
  await api.waiting(2);
  await release();
  await handled;
  await problem(await cancelled, 409);
  expect((await api.order(id)).status).toBe('paid');
  expect((await topics(id)).slice(2)).toEqual(['order.paid']);
});

test('a refund is recorded on a cancelled order, with the ids of the gateway for operators alone', async () => {
  const id = await api.inStatus('confirmed');
  await api.cancel(id);
  const data = { order_id: id, amount: 2000, currency: 'EUR', refund_id: 'r1' };
  await api.receive({ type: 'payment.refunded', subject: id, sequence: 3, data });
  const line = { event: 'payment.refunded', status: 'cancelled' };
  const newest = ({ history }: { history: { detail: object }[] }) => history.at(-1)!;
  const ofCustomer = newest(await api.order(id));
  expect(ofCustomer).toMatchObject(line);
  expect(ofCustomer.detail).toEqual({});
  const ofOperator = newest(await json(await api.operator(`/orders/${id}`)));
  expect(ofOperator).toMatchObject({ ...line, detail: { refund_id: 'r1' } });
});
