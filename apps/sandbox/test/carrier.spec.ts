import { json, post, type RunningSandbox, startSandbox } from './start-sandbox';

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const items = [{ product_id: 'prod1', quantity: 2 }];
const ship = (key: string, body: object) => post(`${sandbox.url}/carrier/shipments`, key, body);
const recall = (key: string, order_id: string) => post(`${sandbox.url}/carrier/recalls`, key, { order_id });
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

test('what is recalled is never taken, under whatever key', async () => {
  for (const key of ['recall:kept', 'recall:kept', 'recall:again']) {
    const response = await recall(key, 'kept');
    expect(response.status).toBe(201);
    expect(await json(response)).toEqual({ outcome: 'recalled' });
  }
  for (const key of ['ship:kept', 'ship:kept', 'ship:again']) {
    const response = await ship(key, { order_id: 'kept', items });
    expect(response.status).toBe(422);
    expect(await json(response)).toMatchObject({ status: 422, reason: 'recalled' });
  }
  const { calls, shipments } = await ledgerOf('kept');
  expect(calls).toMatchObject(['recall', 'recall', 'ship', 'ship'].map((kind) => ({ kind })));
  expect(shipments).toEqual([]);
});

test('a recall of what has left says where it is', async () => {
  const sent = await json(await ship('ship:gone', { order_id: 'gone', items }));
  expect(await json(await recall('recall:gone', 'gone'))).toEqual({ outcome: 'dispatched', ...sent });
});

test('of a recall and a parcel at once one is first, and both know which', async () => {
  const orders = Array.from({ length: 20 }, (_, index) => `race${index}`);
  await Promise.all(
    orders.map(async (order_id) => {
      const [parcel, recalled] = await Promise.all([
        ship(`ship:${order_id}`, { order_id, items }),
        recall(`recall:${order_id}`, order_id),
      ]);
      expect((await json(recalled)).outcome).toBe(parcel.status === 201 ? 'dispatched' : 'recalled');
      expect((await ledgerOf(order_id)).shipments).toHaveLength(parcel.status === 201 ? 1 : 0);
    }),
  );
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
