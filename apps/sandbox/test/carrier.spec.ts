import { json, post, type RunningSandbox, startSandbox } from './start-sandbox';

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const items = [{ product_id: 'prod1', quantity: 2 }];
const ship = (key: string, body: object) => post(`${sandbox.url}/carrier/shipments`, key, body);
const ledgerOf = async (order_id: string) => json(await fetch(`${sandbox.url}/ledger?order_id=${order_id}`));

test('a parcel gets a tracking number, the same one for each repeat', async () => {
  const address = { name: 'Zoë', street: 'Main 1', city: 'Köln' };
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => ship('ship:sent', { order_id: 'sent', address, items })),
  );
  const bodies = await Promise.all(responses.map((response) => response.text()));
  expect(new Set(bodies).size).toBe(1);
  const answer = JSON.parse(bodies[0] ?? '');
  expect(answer).toEqual({ carrier: 'Sandbox Express', tracking_number: expect.stringMatching(/^SBX[0-9A-F]{12}$/) });
  const { calls, shipments } = await ledgerOf('sent');
  expect(calls).toMatchObject([{ api: 'carrier', kind: 'ship', status: 201, answer }]);
  expect(shipments).toMatchObject([{ ...answer, address, items }]);
});

test('an order without an address is shipped too', async () => {
  expect((await ship('ship:plain', { order_id: 'plain', items })).status).toBe(201);
  expect((await ledgerOf('plain')).shipments).toMatchObject([{ address: null }]);
});

test('Undeliverable is refused for good, and nothing is shipped', async () => {
  const body = { order_id: 'refused', address: { street: 'Main 1', city: 'Undeliverable' }, items };
  for (const response of [await ship('ship:refused', body), await ship('ship:refused', body)]) {
    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toMatch('application/problem+json');
    expect(await json(response)).toMatchObject({ status: 422, reason: 'undeliverable_address' });
  }
  expect((await ledgerOf('refused')).shipments).toEqual([]);
});

test('a key that was used for another parcel is no refusal of the parcel', async () => {
  await ship('ship:reused', { order_id: 'reused', items });
  const response = await ship('ship:reused', { order_id: 'other', items });
  expect(response.status).toBe(422);
  expect(await json(response)).not.toHaveProperty('reason');
});

test('a key of the gateway is not a key of the carrier', async () => {
  const order = { order_id: 'both', amount: 1, currency: 'EUR', token: 'tok_ok' };
  expect((await post(`${sandbox.url}/gateway/authorizations`, 'both', order)).status).toBe(201);
  expect((await ship('both', { order_id: 'both', items })).status).toBe(201);
});

test.each([[{ order_id: 'o', items: [] }], [{ order_id: 'o' }], [{ order_id: 'o', items, address: {} }]])(
  '%j is refused as input',
  async (body) => {
    expect((await ship('bad', body)).status).toBe(400);
  },
);
