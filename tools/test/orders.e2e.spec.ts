import { eventually, withClient } from '@order-events/testing';
import { atRest } from '../src/chaos/rest';
import { programs } from '../src/start/services';
import { holds, report, verify } from '../src/verify';
import { call, Customer, items, killed } from './customer';
import { type TestSystem, testSystem } from './test-system';

/** The whole system, as `npm start` runs it, from the outside. */
let real: TestSystem;
let customer: Customer;
beforeAll(async () => {
  real = await testSystem({ programs });
  customer = new Customer(real.system);
  await real.system.start();
});
afterAll(() => real.remove());

/** When nothing is under way any more, all invariants must hold. */
async function settled(): Promise<void> {
  const results = await atRest(real.system.databaseUrls);
  if (!holds(results)) throw new Error(report(results).join('\n'));
}

const subjects = async (id: string) => {
  const url = `${real.system.sandboxUrl}/mails?order_id=${id}`;
  const { body } = await call<{ mails: { message_id: string }[] }>('GET', url);
  return body.mails.map(({ message_id }) => /\.([a-z]+)@/.exec(message_id)?.[1]).sort();
};

const net = async (id: string) => {
  type Ledger = { authorizations: { captured: number; refunded: number }[] };
  const { body } = await call<Ledger>('GET', `${real.system.sandboxUrl}/ledger?order_id=${id}`);
  return body.authorizations.reduce((sum, { captured, refunded }) => sum + captured - refunded, 0);
};

test('an order runs to completed, tells each step, charges once and mails', async () => {
  const id = await customer.place({ items: items('prod1', 2), email: 'a@example.com' });
  const order = await customer.ended(id);
  expect(order.status).toBe('completed');
  expect(order.history.map(({ status }) => status)).toEqual(['pending', 'pending', 'confirmed', 'paid', 'completed']);
  await settled();
  expect(await subjects(id)).toEqual(['completed', 'confirmed', 'received']);
  expect(await net(id)).toBe(2000);
});

test.each([
  ['tok_declined', 'cancelled', 'payment_declined', 0],
  ['tok_capture_fails', 'cancelled', 'capture_failed', 0],
  ['tok_timeout_but_charged', 'completed', undefined, 1000],
])('%s ends %s (%s), with %i charged', async (payment_token, status, reason, charged) => {
  const id = await customer.place({ items: items('prod2'), email: 'a@example.com', payment_token });
  const order = await customer.ended(id);
  expect(order.status).toBe(status);
  expect(order.cancel_reason ?? undefined).toBe(reason);
  await settled();
  expect(await net(id)).toBe(charged);
  expect(await subjects(id)).toContain(status);
});

test('an address that the carrier refuses ends cancelled and refunded', async () => {
  const id = await customer.place({
    items: items('prod3'),
    shipping_address: { street: '1 Main St', city: 'Undeliverable' },
  });
  expect(await customer.ended(id)).toMatchObject({ status: 'cancelled', cancel_reason: 'shipment_failed' });
  await settled();
  expect(await net(id)).toBe(0);
});

test('of fifty who want the last piece at once, exactly one gets it', async () => {
  const ids = await customer.placeMany(50, { items: items('prod-scarce') });
  const orders = await Promise.all(ids.map((id) => customer.ended(id)));
  expect(orders.filter(({ status }) => status === 'completed')).toHaveLength(1);
  expect(orders.filter(({ cancel_reason }) => cancel_reason === 'out_of_stock')).toHaveLength(49);
  await settled();
});

test('a cancel is taken until the order is paid, and refused after that', async () => {
  const cancel = (id: string) => call<{ status: unknown }>('POST', `${real.system.apiUrls[0]}/orders/${id}/cancel`);
  const early = await customer.place({ items: items('prod4') });
  expect((await cancel(early)).status).toBe(200);
  expect((await customer.ended(early)).cancel_reason).toBe('customer_request');
  const late = await customer.place({ items: items('prod4') });
  await customer.ended(late);
  expect((await cancel(late)).status).toBe(409);
  await settled();
  expect(await net(early)).toBe(0);
});

test('what is in stock is told, and at once that it cannot be said when inventory is not there', async () => {
  const { system } = real;
  const ask = async (product = 'prod1') => {
    const url = `${system.apiUrls[0]}/products/${product}/availability`;
    const { status, body } = await call<{ type?: string }>('GET', url);
    return { status, body, kind: body.type?.split(':').at(-1) };
  };
  const becomes = (status: number, kind?: string) =>
    eventually(async () => {
      const now = await ask();
      return now.status === status && now.kind === kind;
    });
  await becomes(200);
  expect((await ask()).body).toEqual({ product_id: 'prod1', in_stock: true, available: 10, or_more: true });
  expect(await ask('nothing')).toMatchObject({ status: 404, kind: 'unknown-product' });
  // It hangs until it is taken for dead.
  system.kill('inventory', 'SIGSTOP');
  await becomes(503, 'no-responder');
  system.kill('inventory', 'SIGCONT');
  await becomes(200);
  await killed(system, 'inventory');
  await becomes(200);
});

test('whichever process is killed while orders run through, each order ends, once', async () => {
  const { system } = real;
  for (const name of system.processes) {
    const ids = await customer.placeMany(10, { items: items('prod5') });
    await killed(system, name);
    expect(await customer.statusesOf(ids)).toEqual(ids.map(() => 'completed'));
  }
  await settled();
});

test('verify reports what has been tampered with', async () => {
  const id = await customer.place({ items: items('prod6') });
  await customer.ended(id);
  await settled();
  const tamper = (by: number) =>
    withClient(real.system.databaseUrls['inventory']!, (client) =>
      client.query(`UPDATE stock SET available = available + $1, sold = sold - $1 WHERE product_id = 'prod6'`, [by]),
    );
  await tamper(1);
  const violated = (await verify(real.system.databaseUrls)).filter(({ violations }) => violations.length > 0);
  expect(violated.map(({ name }) => name)).toEqual([expect.stringContaining('reserved and sold')]);
  await tamper(-1);
  await settled();
});
