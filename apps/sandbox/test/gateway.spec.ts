import { json, post, type RunningSandbox, startSandbox } from './start-sandbox';

let sandbox: RunningSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const gateway = (path: string, key: string, body?: unknown) => post(`${sandbox.url}/gateway${path}`, key, body);
const order = (order_id: string, token = 'tok_ok') => ({ order_id, amount: 2000, currency: 'EUR', token });

async function authorized(order_id: string, token?: string): Promise<string> {
  const response = await gateway('/authorizations', `authorize:${order_id}`, order(order_id, token));
  expect(response.status).toBe(201);
  return (await json(response)).authorization_id;
}

async function captured(order_id: string): Promise<string> {
  const authorization = await authorized(order_id);
  const response = await gateway(`/authorizations/${authorization}/capture`, `capture:${order_id}`, { amount: 2000 });
  expect(response.status).toBe(201);
  return (await json(response)).capture_id;
}

async function ledgerOf(order_id: string) {
  const response = await fetch(`${sandbox.url}/ledger?order_id=${order_id}`);
  expect(response.status).toBe(200);
  return json(response);
}

async function expectProblem(response: Response, status: number, members: object = {}): Promise<void> {
  expect(response.headers.get('content-type')).toMatch('application/problem+json');
  expect(await json(response)).toMatchObject({ status, ...members });
  expect(response.status).toBe(status);
}

test('an amount is authorised, captured and refunded, and the ledger tells so', async () => {
  const capture = await captured('paid');
  const reversed = await gateway('/reversals', 'reverse:paid', { order_id: 'paid' });
  expect([reversed.status, await json(reversed)]).toEqual([
    201,
    { outcome: 'refunded', refund_id: capture.replace('cap', 'ref') },
  ]);
  const { calls, authorizations, shipments } = await ledgerOf('paid');
  expect(calls).toMatchObject([
    { api: 'gateway', kind: 'authorize', amount: 2000, currency: 'EUR', status: 201 },
    { kind: 'capture', idempotency_key: 'capture:paid', amount: 2000, status: 201, answer: { capture_id: capture } },
    { kind: 'reverse', amount: 2000, currency: 'EUR', status: 201 },
  ]);
  expect(authorizations).toMatchObject([{ amount: 2000, state: 'captured', captured: 2000, refunded: 2000 }]);
  expect(shipments).toEqual([]);
});

const reverse = async (order_id: string, key: string) => json(await gateway('/reversals', key, { order_id }));

test('an authorisation is voided by its order, and then not captured', async () => {
  const id = await authorized('voided');
  expect(await reverse('voided', 'reverse:voided')).toEqual({ outcome: 'voided' });
  const refused = await gateway(`/authorizations/${id}/capture`, 'capture:voided', { amount: 1 });
  await expectProblem(refused, 402, { reason: 'authorization_voided' });
  expect((await ledgerOf('voided')).authorizations).toMatchObject([{ state: 'voided', captured: 0 }]);
});

test('a reversal under another key tells what has become of the money, and moves it once', async () => {
  await captured('all');
  const [{ authorization_id: id }] = (await ledgerOf('all')).authorizations;
  await expectProblem(await gateway(`/authorizations/${id}/capture`, 'capture-again:all', { amount: 2000 }), 409);
  const refunded = { outcome: 'refunded', refund_id: expect.stringMatching(/^ref_/) as string };
  for (const key of ['reverse:all', 'reverse-again:all']) expect(await reverse('all', key)).toEqual(refunded);
  const { calls, authorizations } = await ledgerOf('all');
  expect(calls).toMatchObject([{}, {}, {}, { kind: 'reverse', amount: 2000 }, { kind: 'reverse', amount: 0 }]);
  expect(authorizations).toMatchObject([{ captured: 2000, refunded: 2000 }]);
});

test('an order without money has nothing to reverse', async () => {
  expect(await reverse('unheard-of', 'reverse:unheard-of')).toEqual({ outcome: 'nothing' });
});

test('more than was authorised is not captured', async () => {
  const id = await authorized('greedy');
  await expectProblem(await gateway(`/authorizations/${id}/capture`, 'capture:greedy', { amount: 2001 }), 409);
});

test.each([
  ['tok_declined', 'card_declined'],
  ['tok_unheard_of', 'invalid_token'],
  ['toString', 'invalid_token'],
])('%s is refused: %s', async (token, reason) => {
  const refused = await gateway('/authorizations', `authorize:${token}`, order(token, token));
  await expectProblem(refused, 402, { reason });
  const { calls, authorizations } = await ledgerOf(token);
  expect(calls).toMatchObject([{ kind: 'authorize', status: 402, answer: { reason } }]);
  expect(authorizations).toEqual([]);
});

test('tok_capture_fails is authorised, but never captured', async () => {
  const id = await authorized('uncollectable', 'tok_capture_fails');
  const refused = await gateway(`/authorizations/${id}/capture`, 'capture:uncollectable', { amount: 2000 });
  await expectProblem(refused, 402, { reason: 'capture_failed' });
  expect(await reverse('uncollectable', 'reverse:uncollectable')).toEqual({ outcome: 'voided' });
});

test('tok_timeout_but_charged is carried out though its first calls hear nothing; repeats get the answer', async () => {
  const body = order('unheard', 'tok_timeout_but_charged');
  await expect(gateway('/authorizations', 'authorize:unheard', body)).rejects.toThrow('fetch failed');
  expect((await ledgerOf('unheard')).authorizations).toMatchObject([{ state: 'authorized' }]);
  const id = await authorized('unheard', 'tok_timeout_but_charged');

  const capture = () => gateway(`/authorizations/${id}/capture`, 'capture:unheard', { amount: 2000 });
  await expect(capture()).rejects.toThrow('fetch failed');
  const repeated = await capture();
  expect(repeated.status).toBe(201);
  const { calls, authorizations } = await ledgerOf('unheard');
  expect(calls).toHaveLength(2);
  expect(authorizations).toMatchObject([{ captured: 2000, ...(await json(repeated)) }]);
});

test('a hundred repeats at once are one authorisation, and each gets the same bytes', async () => {
  const responses = await Promise.all(
    Array.from({ length: 100 }, () => gateway('/authorizations', 'same', order('repeated'))),
  );
  const bodies = await Promise.all(responses.map((response) => response.text()));
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(bodies).size).toBe(1);
  expect((await ledgerOf('repeated')).authorizations).toHaveLength(1);
});

test('of many captures at once, each with a key of its own, one charges', async () => {
  const id = await authorized('raced');
  const responses = await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      gateway(`/authorizations/${id}/capture`, `capture-${n}:raced`, { amount: 2000 }),
    ),
  );
  expect(responses.map(({ status }) => status).toSorted()).toEqual([201, ...Array<number>(29).fill(409)]);
  expect((await ledgerOf('raced')).authorizations).toMatchObject([{ captured: 2000 }]);
});

test('a refusal and a senseless request are answered the same again, though the state has changed', async () => {
  const id = await authorized('steadfast');
  const first = await gateway(`/authorizations/${id}/capture`, 'too-much:steadfast', { amount: 9999 });
  expect(await reverse('steadfast', 'reverse:steadfast')).toEqual({ outcome: 'voided' });
  const second = await gateway(`/authorizations/${id}/capture`, 'too-much:steadfast', { amount: 9999 });
  expect([second.status, await second.text()]).toEqual([409, await first.text()]);
});

test('a key that comes again with another body, or at another place, is a 422', async () => {
  const id = await authorized('reused');
  await expectProblem(await gateway('/authorizations', 'authorize:reused', order('other')), 422);
  await expectProblem(await gateway(`/authorizations/${id}/capture`, 'authorize:reused', { amount: 1 }), 422);
  expect((await ledgerOf('reused')).calls).toHaveLength(1);
});

test('there is nothing to capture where nothing was authorised', async () => {
  await expectProblem(await gateway('/authorizations/auth_none/capture', 'a', { amount: 1 }), 404);
});

test.each([
  ['a fraction', { ...order('bad'), amount: 0.5 }],
  ['a negative amount', { ...order('bad'), amount: -1 }],
  ['a missing token', { order_id: 'bad', amount: 1, currency: 'EUR' }],
  ['a field that nobody knows', { ...order('bad'), extra: 1 }],
  ['an id with a NUL', order('bad\u0000')],
  ['an array', []],
])('%s is refused as input', async (_what, body) => {
  await expectProblem(await gateway('/authorizations', 'bad', body), 400);
});

test('a request that is wrong as such is told so, and the process lives', async () => {
  const url = `${sandbox.url}/gateway/authorizations`;
  const body = JSON.stringify(order('odd'));
  const json = { 'content-type': 'application/json' };
  const key = { 'idempotency-key': 'odd' };
  await expectProblem(await fetch(url, { method: 'POST', body, headers: json }), 400);
  await expectProblem(
    await fetch(url, { method: 'POST', body, headers: { ...key, 'content-type': 'text/plain' } }),
    415,
  );
  await expectProblem(await fetch(url, { method: 'POST', body: '{', headers: { ...key, ...json } }), 400);
  const large = JSON.stringify({ token: 'x'.repeat(2_000_000) });
  await expectProblem(await fetch(url, { method: 'POST', body: large, headers: { ...key, ...json } }), 413);
  await expectProblem(await fetch(`${sandbox.url}/nowhere`), 404);
  await expectProblem(await fetch(`${sandbox.url}/ledger`), 400);
  expect((await fetch(`${sandbox.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${sandbox.url}/readyz`)).status).toBe(200);
});
