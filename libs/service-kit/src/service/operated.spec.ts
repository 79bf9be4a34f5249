import { isUtf8 } from 'node:buffer';
import { DEAD_LETTERED, events as contracts } from '@order-events/contracts';
import { coded, KEPT_BYTES, MAX_BODY_BYTES, withAttribute } from '@order-events/messaging';
import { eventually } from '@order-events/testing';
import {
  counted,
  hurry,
  inWorlds,
  lag,
  publish,
  reserved,
  sql,
  start,
  TOPIC,
  world,
} from '../../test/operated-services';

inWorlds();

const howMany = async () =>
  (await sql<{ count: number }>(world.own, 'SELECT count(*)::integer FROM counters WHERE count > 0'))[0]!.count;

test('five poison events among 1,000 die alone, with their errors; mended and redriven, they are applied once', async () => {
  const orders = Array.from({ length: 1_000 }, (_, i) => `o${i}`);
  world.poisoned = new Set(['o7', 'o70', 'o100', 'o101', 'o999']);
  const ask = await start();
  await publish(...orders.map(reserved));
  await eventually(async () => (await howMany()) === 995);
  await eventually(async () => {
    await hurry();
    return (await lag(ask)).dead === 5;
  });
  expect(await lag(ask)).toMatchObject({ group: 'order-api', paused: null, retrying: 0, dead: 5, backlog: 0 });

  const { body: first } = await ask('/dead-letters?limit=3');
  const { body: rest } = await ask(`/dead-letters?limit=3&cursor=${first.next_cursor}`);
  const letters = [...first.items, ...rest.items];
  expect(rest.next_cursor).toBeNull();
  expect(new Set(letters.map(({ key }) => key))).toEqual(world.poisoned);
  const letter = letters.find(({ key }) => key === 'o70');
  expect(letter).toMatchObject({ consumer_group: 'order-api', attempts: 10, error: 'Error: cannot count o70' });
  const { body: shown } = await ask(`/dead-letters/order-api/${letter.id}`);
  expect(shown).toMatchObject({ state: 'dead', body: '{"order_id":"o70"}', body_encoding: 'utf-8' });
  expect(shown.headers).toMatchObject({ 'ce-id': letter.id, 'ce-type': TOPIC });
  expect(shown.errors).toHaveLength(5);

  const why = { actor: 'ann', reason: 'counting is mended' };
  expect((await ask('/dead-letters/redrive', { dry_run: true })).body).toEqual({ dry_run: true, count: 5 });
  expect((await ask('/dead-letters/redrive', {})).status).toBe(400);
  world.poisoned.clear();
  const order = { ...why, group: 'order-api', error: 'cannot count', per_second: 100 };
  const answers = await Promise.all([order, order].map((each) => ask('/dead-letters/redrive', each)));
  expect(answers.map(({ body }) => body.count).reduce((sum, count) => sum + count)).toBe(5);
  await eventually(async () => (await howMany()) === 1_000);
  expect(new Set((await counted()).values())).toEqual(new Set([1]));
  expect((await ask('/dead-letters')).body).toEqual({ items: [], next_cursor: null });
  expect((await ask(`/dead-letters/order-api/${letter.id}`)).status).toBe(404);
  expect((await ask(`/actions?event_id=${letter.id}`)).body.items).toMatchObject([{ ...why, action: 'redrive' }]);
});

test('what is discarded is not tried again, and its bytes can still be read', async () => {
  const ask = await start();
  const garbage = { ...reserved('o1'), headers: {}, body: Buffer.from([0, 255, 1]) };
  await publish(garbage);
  await eventually(async () => (await lag(ask)).dead === 1);
  const [{ id }] = (await ask('/dead-letters')).body.items;
  expect((await ask(`/dead-letters/a%00b/${id}`)).status).toBe(404);
  const why = { actor: 'ann', reason: 'not one of ours' };
  expect((await ask('/dead-letters/discard', { ...why, id })).body).toEqual({ dry_run: false, count: 1 });
  expect(await lag(ask)).toMatchObject({ dead: 0, retrying: 0 });
  expect((await ask(`/dead-letters/order-api/${id}`)).body).toMatchObject({
    state: 'discarded',
    body: 'AP8B',
    body_encoding: 'base64',
    actions: [{ ...why, action: 'discard' }],
  });
});

test.each([
  [
    '',
    '{"order_id":"o1","payment_token":"[redacted]","total":1}',
    '{"order_id":"o1","payment_token":"tok_\\"1","total":1}',
  ],
  [' that ends too early', '{"payment_token": "[redacted]"', '{"payment_token": "tok_1'],
])("a card's token in a dead letter%s is not shown", async (_, shown, body) => {
  const ask = await start();
  const event = { ...reserved('o1'), body: Buffer.from(body) };
  await publish({ ...event, headers: {} });
  await eventually(async () => (await lag(ask)).dead === 1);
  const [{ id }] = (await ask('/dead-letters')).body.items;
  expect((await ask(`/dead-letters/order-api/${id}`)).body).toMatchObject({ body: shown, body_encoding: 'utf-8' });
});

test("a card's token is not shown in the beginning of what is over-long either, whatever character stands where it was cut", async () => {
  const ask = await start();
  // Of each ü the second byte stands at an even place: the border is within one.
  const body = Buffer.from(`{"payment_token":"tok_1","name":"${'x'.repeat(14)}${'ü'.repeat(MAX_BODY_BYTES / 2)}`);
  expect(isUtf8(body.subarray(0, KEPT_BYTES))).toBe(false);
  await publish({ ...reserved('o1'), headers: {}, body });
  await eventually(async () => (await lag(ask)).dead === 1);
  const [{ id }] = (await ask('/dead-letters')).body.items;
  const shown = (await ask(`/dead-letters/order-api/${id}`)).body;
  expect(shown.body_encoding).toBe('utf-8');
  expect(shown.body).toMatch(/^{"payment_token":"\[redacted\]","name":"x+ü+$/);
});

test('a dead letter is told of, and one that the broker refused is published when it is redriven', async () => {
  const ask = await start();
  const event = reserved('o1');
  const { id, topic, key } = event;
  const failure = { message: event, error: 'too large', attempts: 1 };
  await world.running[0]!.store.transact((tx) => tx.take('relay', [{ id, topic, key, state: 'dead', failure }]));
  await publish({ ...reserved('o2'), body: Buffer.from('{}') });
  const told = () => sql<{ body: Buffer }>(world.events, `SELECT body FROM log WHERE topic = '${DEAD_LETTERED}'`);
  await eventually(async () => (await told()).length === 1);
  const { body } = (await told())[0]!;
  expect(JSON.parse(body.toString())).toMatchObject({ group: 'order-api', key: 'o2', attempts: 1 });

  const order = { actor: 'ann', reason: 'the broker takes more now', group: 'relay' };
  expect((await ask('/dead-letters/redrive', order)).body).toEqual({ dry_run: false, count: 1 });
  // The topic is one that it consumes, too.
  await eventually(async () => (await counted()).get('o1') === 1);
  await eventually(async () => (await ask('/inbox?state=applied&key=o1')).body.items.length === 2);
});

test('a version that is not known yet waits, as the operator sees, and is released by a deployment that knows it', async () => {
  const ask = await start();
  const { version } = contracts[TOPIC];
  const newer = { ...reserved('o1'), ...withAttribute(reserved('o1'), 'dataschema', `urn:order-events:${TOPIC}:99`) };
  const id = newer.headers['ce-id'];
  await publish(newer);
  await eventually(async () => (await lag(ask)).retrying === 1);
  expect((await ask('/inbox?state=retrying')).body.items).toMatchObject([
    { id, topic: TOPIC, errors: [{ error: expect.stringContaining('newer_version') }] },
  ]);
  expect((await ask(`/dead-letters/order-api/${id}`)).body).toMatchObject({ state: 'retrying', attempts: 0 });
  expect((await ask('/dead-letters')).body.items).toEqual([]);
  try {
    Object.assign(contracts[TOPIC], { version: 99 });
    await hurry();
    await eventually(async () => (await counted()).get('o1') === 1);
  } finally {
    Object.assign(contracts[TOPIC], { version });
  }
  expect(await lag(ask)).toMatchObject({ retrying: 0, dead: 0 });
});

test.each([
  ['/dead-letters/redrive', { actor: 'ann' }, '/reason'],
  ['/dead-letters/redrive', { actor: '', reason: 'x' }, '/actor'],
  ['/dead-letters/redrive', { dry_run: true, id: 'o1' }, '/id'],
  ['/dead-letters/redrive', { dry_run: true, per_second: 0 }, '/per_second'],
  ['/dead-letters/redrive', { dry_run: 'yes' }, '/dry_run'],
  ['/dead-letters/discard', { dry_run: true, per_second: 1 }, ''],
  ['/dead-letters/discard', { actor: 'a\0', reason: 'x' }, '/actor'],
  ['/pause', { actor: 'ann' }, '/reason'],
])('%s refuses %j', async (path, body, pointer) => {
  const ask = await start();
  const answer = await ask(path, body);
  expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, pointer]);
});

test.each([{}, { dry_run: true }, { limit: 5 }])(
  'a discard that does not say of what is refused: %j',
  async (which) => {
    const ask = await start();
    const { status, body } = await ask('/dead-letters/discard', { ...which, actor: 'ann', reason: 'x' });
    expect([status, body.type]).toEqual([400, 'urn:order-events:problem:names-nothing']);
  },
);

test.each([
  '/dead-letters?cursor=x',
  `/dead-letters?cursor=${Buffer.from(`["0000-01-01T00:00:00Z","g","00000000-0000-7000-8000-000000000000"]`).toString('base64url')}`,
  '/dead-letters?older_than=soon',
  '/dead-letters?state=dead',
  '/actions?event_id=1',
])('%s is refused', async (path) => {
  const ask = await start();
  expect((await ask(path)).status).toBe(400);
});

test('the data of a dead letter is shown, in whatever form it came', async () => {
  const ask = await start();
  const order = `o1${'.'.repeat(60)}`;
  world.poisoned.add(order);
  const event = reserved(order);
  const sent = coded(event, { codec: 'protobuf', compression: 'gzip', compressFrom: 1 });
  expect(sent.headers).toMatchObject({ 'content-type': 'application/protobuf', 'content-encoding': 'gzip' });
  await publish({ ...event, ...sent });
  await eventually(async () => {
    await hurry();
    return (await lag(ask)).dead === 1;
  });
  expect((await ask(`/dead-letters/order-api/${event.id}`)).body).toMatchObject({
    key: order,
    body: `{"order_id":"${order}"}`,
    body_encoding: 'utf-8',
  });
});
