import { PaymentSystem } from './payment-system';
import type { HeldCall } from './slow-gateway';

let payment: PaymentSystem;
beforeEach(async () => {
  payment = await PaymentSystem.create();
});
afterEach(() => payment.close());

/** The effect is closed, its result is appended once, and it has reached the log under that one id. */
async function expectOneResult(order: string): Promise<void> {
  await payment.until(async () => (await payment.told(order)).log.length > 0);
  const { outbox, log } = await payment.told(order);
  expect(outbox).toHaveLength(1);
  expect([...new Set(log)]).toEqual(outbox);
  const effects = await payment.sql('own', `SELECT state, idempotency_key FROM effects WHERE key = '${order}'`);
  expect(effects).toEqual([{ state: 'closed', idempotency_key: `${order}.authorize` }]);
  const rows = await payment.sql('own', `SELECT state, authorization_id FROM payments WHERE order_id = '${order}'`);
  expect(rows).toEqual([{ state: 'authorized', authorization_id: `authorization of ${order}.authorize` }]);
}

test('killed between intent and call: another process makes the call', async () => {
  // Effects of one key are made in order, so an older one that nobody can make yet keeps the next one waiting.
  await payment.sql(
    'own',
    `INSERT INTO effects (kind, key, idempotency_key, input, state) VALUES ('older', 'o1', 'older', '{}', 'open')`,
  );
  const first = payment.run();
  await payment.created('o1');
  const intended = `SELECT FROM effects WHERE idempotency_key = 'o1.authorize' AND state = 'waiting'`;
  await payment.until(async () => (await payment.sql('own', intended)).length === 1);
  await payment.kill(first);
  await payment.sql('own', `DELETE FROM effects WHERE kind = 'older'`);
  await payment.sql('own', `UPDATE effects SET state = 'open'`);
  expect(payment.gateway.calls).toEqual([]);

  payment.run();
  await expectOneResult('o1');
  expect(payment.gateway.calls).toEqual(['o1.authorize']);
});

test('killed between call and answer: called again with the same key', async () => {
  payment.gateway.onCall = () => undefined;
  const first = payment.run();
  await payment.created('o1');
  await payment.until(() => payment.gateway.calls.length === 1);
  await payment.kill(first);
  expect((await payment.told('o1')).outbox).toEqual([]);

  payment.gateway.onCall = (call) => call.answer();
  payment.run();
  await expectOneResult('o1');
  expect(payment.gateway.calls).toEqual(['o1.authorize', 'o1.authorize']);
});

test('killed between answer and commit of the result: called again with the same key', async () => {
  const held: HeldCall[] = [];
  payment.gateway.onCall = (call) => held.push(call);
  const first = payment.run();
  await payment.created('o1');
  await payment.until(() => held.length === 1);
  await payment.holding('own', `SELECT FROM payments WHERE order_id = 'o1' FOR UPDATE`, async () => {
    held[0]!.answer();
    await payment.until(() => payment.somebodyWaits('own'));
    await payment.kill(first);
  });

  payment.gateway.onCall = (call) => call.answer();
  payment.run();
  await expectOneResult('o1');
  expect(payment.gateway.calls).toEqual(['o1.authorize', 'o1.authorize']);
});

test('killed between result and publish: published by another process, and not called again', async () => {
  const held: HeldCall[] = [];
  payment.gateway.onCall = (call) => held.push(call);
  const first = payment.run();
  await payment.created('o1');
  await payment.until(() => held.length === 1);
  await payment.holding('events', 'LOCK TABLE log IN SHARE MODE', async () => {
    held[0]!.answer();
    await payment.until(async () => (await payment.told('o1')).outbox.length === 1);
    await payment.until(() => payment.somebodyWaits('events'));
    await payment.kill(first);
  });

  payment.run();
  await expectOneResult('o1');
  const published = `SELECT FROM log_cursor WHERE log = 'outbox' AND position = (SELECT max(position) FROM outbox)`;
  await payment.until(async () => (await payment.sql('own', published)).length === 1);
  await expectOneResult('o1');
  expect(payment.gateway.calls).toEqual(['o1.authorize']);
});

test('two processes at once: each call is made once, with one result', async () => {
  const orders = Array.from({ length: 30 }, (_, i) => `o${i}`);
  payment.run();
  payment.run();
  await payment.created(...orders);
  for (const order of orders) await expectOneResult(order);
  expect(payment.gateway.calls.sort()).toEqual(orders.map((order) => `${order}.authorize`).sort());
});

test('an answer that comes after the time-out: called again with the same key, one result', async () => {
  const held: HeldCall[] = [];
  // As if the gateway did its work, and took too long to say so.
  payment.gateway.onCall = (call) => (held.length === 0 ? held.push(call) : call.answer());
  payment.run({ OUTSIDE_TIMEOUT_MS: '1000' });
  await payment.created('o1');
  await payment.until(() => payment.gateway.calls.length > 1);
  held[0]!.answer();
  await expectOneResult('o1');
  expect([...new Set(payment.gateway.calls)]).toEqual(['o1.authorize']);
});
