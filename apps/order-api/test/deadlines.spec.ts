import { noTracer, type Tracer } from '@order-events/messaging';
import { advanced, Sweeper } from '../src/deadlines/sweeper';
import { json, log, OrderApi } from './start-order-api';

let api: OrderApi;
let sweeper: Sweeper;
let transport: { ping: jest.Mock; backlog: jest.Mock };
beforeEach(async () => {
  api = await OrderApi.start();
  transport = { ping: jest.fn().mockResolvedValue(undefined), backlog: jest.fn().mockResolvedValue(0) };
  sweeper = newSweeper();
});
const newSweeper = (tracer: Tracer = noTracer) =>
  new Sweeper({ store: api.store, transport, deadlineS: 10, log, tracer });
afterEach(async () => {
  await api.close();
  expect(api.errors).toEqual([]);
});

const clock = async () => (await api.sql<{ seconds: number }>('SELECT seconds FROM deadline_clock'))[0]!.seconds;

/** Looks at the clock when `seconds` more have passed since it was looked at last. */
async function tickAfter(seconds: number): Promise<void> {
  await api.sql(`UPDATE deadline_clock SET ticked_at = ticked_at - $1 * interval '1 second'`, [seconds]);
  await sweeper.tick();
}

/** So that the deadline of 10 seconds has passed, whatever else. */
async function passDeadline(): Promise<void> {
  for (const start = await clock(); (await clock()) < start + 11;) await tickAfter(3);
}

test.each([
  [3, 0, 103],
  [3, 999, 103],
  [3, 1_000, 100],
  [3_600, 0, 104],
  [-3_600, 0, 100],
])(
  '%d s after the last look, with an outbox of %d ms, the clock that stood at 100 says %d',
  (elapsed, outboxMs, says) => {
    expect(advanced({ seconds: 100, elapsed }, outboxMs)).toBe(says);
  },
);

test.each(['pending', 'confirmed'] as const)(
  'an order that stays %s is cancelled when its time is over',
  async (status) => {
    const id = await api.inStatus(status);
    await api.publishAll();
    await tickAfter(0);
    await tickAfter(3);
    expect((await api.order(id)).status).toBe(status);
    await passDeadline();
    expect(await api.order(id)).toMatchObject({ status: 'cancelled', cancel_reason: 'expired' });
    const events = await api.events(id);
    expect(events.at(-1)).toMatchObject({ topic: 'order.cancelled', data: { reason: 'expired' } });
    expect(events.filter(({ topic }) => topic === 'order.cancelled')).toHaveLength(1);
    expect((await api.order(id)).history).toContainEqual({
      version: expect.any(Number),
      at: expect.any(String),
      status: 'cancelled',
      event: 'order.cancelled',
      detail: { reason: 'expired' },
    });
  },
);

test('time starts anew with each status', async () => {
  const id = await api.placed();
  await api.publishAll();
  await tickAfter(3);
  const [first] = await api.sql<{ deadline: number }>('SELECT deadline FROM orders');
  const data = { order_id: id, amount: 2000, currency: 'EUR' };
  const about = { subject: id, sequence: 1 };
  await api.receive({ type: 'inventory.reserved', ...about, data: { order_id: id } });
  expect(await api.sql('SELECT deadline FROM orders')).toEqual([first]);
  await api.receive({ type: 'payment.authorized', ...about, data: { ...data, authorization_id: 'a1' } });
  expect(await api.sql('SELECT deadline FROM orders')).toEqual([{ deadline: null }]);
  await api.publishAll();
  await tickAfter(3);
  const [second] = await api.sql<{ deadline: number }>('SELECT deadline FROM orders');
  expect(second!.deadline).toBeGreaterThanOrEqual(first!.deadline + 3);
});

test('a paid order is not cancelled, but put on the list of the operator', async () => {
  const id = await api.inStatus('paid');
  const done = await api.inStatus('completed');
  await api.publishAll();
  await tickAfter(3);
  expect((await json(await api.operator('/overdue'))).items).toEqual([]);
  await passDeadline();
  expect((await json(await api.operator('/overdue'))).items).toEqual([
    expect.objectContaining({ order_id: id, user_id: 'u1', total: 2000, overdue_s: expect.any(Number) }),
  ]);
  expect((await api.order(id)).status).toBe('paid');
  expect((await api.order(done)).status).toBe('completed');
});

test('the clock stands still while the outbox is behind, and that time is not made up for', async () => {
  const id = await api.placed();
  await api.publishAll();
  await tickAfter(1);
  const start = await clock();
  await api.sql(
    `INSERT INTO outbox (id, topic, key, headers, body, created_at)
     VALUES (gen_random_uuid(), 'order.created', 'o1', '{}', '', clock_timestamp() - interval '2 seconds')`,
  );
  for (let tick = 0; tick < 20; tick++) await tickAfter(3);
  expect(await clock()).toBe(start);
  expect((await api.order(id)).status).toBe('pending');
  await api.publishAll();
  await tickAfter(0);
  expect(await clock()).toBeLessThanOrEqual(start + 4);
  await passDeadline();
  expect((await api.order(id)).status).toBe('cancelled');
});

test('time in which nobody looked does not count', async () => {
  const id = await api.placed();
  await api.publishAll();
  await tickAfter(1);
  const start = await clock();
  await tickAfter(86_400);
  expect(await clock()).toBeCloseTo(start + 4, 6);
  expect((await api.order(id)).status).toBe('pending');
});

test('a sweeper waits while another one looks at the clock, and goes on from there', async () => {
  let ticking!: Promise<void>;
  await api.store.database.transact(async (session) => {
    await session.query('UPDATE deadline_clock SET seconds = 100');
    ticking = sweeper.tick();
    await api.waiting(1);
  });
  await ticking;
  expect(await clock()).toBeGreaterThanOrEqual(100);
});

test('two sweepers at once share one clock, and cancel each order once', async () => {
  const ids = await Promise.all(Array.from({ length: 50 }, () => api.placed()));
  await api.publishAll();
  await sweeper.tick();
  const other = newSweeper();
  const [before] = await api.sql<{ seconds: number; at: number }>(
    `UPDATE deadline_clock SET ticked_at = ticked_at - interval '3 seconds'
     RETURNING seconds, extract(epoch FROM ticked_at)::float8 AS at`,
  );
  await Promise.all([sweeper.tick(), other.tick()]);
  const [after] = await api.sql<{ seconds: number; at: number }>(
    'SELECT seconds, extract(epoch FROM ticked_at)::float8 AS at FROM deadline_clock',
  );
  expect(after!.seconds - before!.seconds).toBeGreaterThanOrEqual(3);
  expect(after!.seconds - before!.seconds).toBeLessThanOrEqual(after!.at - before!.at + 0.001);

  await api.sql('UPDATE orders SET deadline = 0');
  await Promise.all([sweeper.tick(), other.tick()]);
  for (const id of ids) {
    const { status, history } = await api.order(id);
    expect([status, history.length]).toEqual(['cancelled', 2]);
    expect(await api.events(id)).toHaveLength(2);
  }
});

test('more orders than fit into one transaction are all given a deadline, and all cancelled', async () => {
  await Promise.all(Array.from({ length: 450 }, () => api.placed()));
  await api.publishAll();
  await sweeper.tick();
  expect(await api.count('orders WHERE deadline IS NULL')).toBe(0);
  await passDeadline();
  expect(await api.count(`orders WHERE status = 'cancelled' AND deadline IS NULL`)).toBe(450);
});

describe('no order expires while its answer may wait unread', () => {
  let id: string;
  beforeEach(async () => {
    id = await api.inStatus('confirmed');
    await api.publishAll();
    await tickAfter(1);
  });
  const status = async () => (await api.order(id)).status;

  test('because the group is paused', async () => {
    const { operatorActions } = api.store;
    await operatorActions.record('pause', 'order-api', { actor: 'ann', reason: 'a look at it' });
    for (let tick = 0; tick < 20; tick++) await tickAfter(3);
    expect(await status()).toBe('confirmed');
    await operatorActions.record('resume', 'order-api', { actor: 'ann', reason: 'nothing there' });
    await tickAfter(3);
    expect(await status()).toBe('confirmed');
    await passDeadline();
    expect(await status()).toBe('cancelled');
  });

  test('because the broker does not answer', async () => {
    transport.ping.mockRejectedValue(new Error('away'));
    for (let tick = 0; tick < 20; tick++) await expect(tickAfter(3)).rejects.toThrow('away');
    transport.ping.mockResolvedValue(undefined);
    await tickAfter(3);
    expect(await status()).toBe('confirmed');
  });

  test('because much else waits, too', async () => {
    transport.backlog.mockResolvedValue(50_000);
    await passDeadline();
    expect(await status()).toBe('confirmed');
    transport.backlog.mockResolvedValue(3);
    await tickAfter(1);
    expect(await status()).toBe('cancelled');
  });
});
