import { noTracer, type Bare, type Settlement } from '@order-events/messaging';
import { Metrics } from '@order-events/service-kit';
import { BRIDGE, declareReaders, forgetReader, PostgresStore } from '@order-events/store';
import { eventually } from '@order-events/testing';
import { outlet, type OutletOptions } from '../src/bridge/outlet';
import { json, log, OrderApi } from './start-order-api';

let api: OrderApi;
beforeEach(async () => {
  api = await OrderApi.start();
  await declareReaders(api.store.database, new Map([[BRIDGE, ['order.created']]]));
});
afterEach(() => api.close());

const stored: Settlement = { stored: true };
const unavailable: Settlement = { stored: false, problem: 'unavailable', detail: 'away' };

/** A place at which programs of other teams read, and what they have read. */
class Place {
  readonly read: { order_id: string }[] = [];
  /** What it says of each, and whether it has it all the same. */
  settle: (bare: Bare) => Settlement = () => stored;

  publish = (batch: readonly Bare[]): Promise<Settlement[]> => {
    for (const { body } of batch) this.read.push(JSON.parse(Buffer.from(body).toString()));
    return Promise.resolve(batch.map(this.settle));
  };

  get ids(): string[] {
    return this.read.map(({ order_id }) => order_id);
  }
}

const outletOf = (place: Place, store: OutletOptions['store'] = api.store) =>
  outlet({ store, foreign: place, metrics: new Metrics('test'), log, tracer: noTracer });

/** One process; to be ended. */
function running(place: Place, store?: PostgresStore) {
  const stop = new AbortController();
  const running = outletOf(place, store).run(stop.signal);
  return async () => {
    stop.abort();
    await running;
  };
}

const placed = async (count: number) => {
  const ids = [];
  for (let n = 0; n < count; n++) ids.push(await api.placed());
  return ids;
};

test('publishes each order once as a bare one, whatever else is told of it, and goes on where it was', async () => {
  const place = new Place();
  const response = await api.post({
    user_id: 'u1',
    items: [{ product_id: 'prod2', quantity: 3 }],
    product_ids: ['prod1'],
    email: 'a@example.com',
    payment_token: 'tok_ok',
  });
  const { order_id, created_at } = await json(response);
  const end = running(place);
  await eventually(() => place.read.length === 1);
  expect(place.read).toEqual([
    { order_id, user_id: 'u1', product_ids: ['prod2', 'prod1'], timestamp: Date.parse(created_at) / 1000 },
  ]);
  await api.inStatus('completed');
  const [last] = await placed(1);
  await eventually(() => place.ids.includes(last!));
  expect(place.read).toHaveLength(3);
  await end();

  const later = await placed(2);
  const again = running(place);
  await eventually(() => place.read.length === 5);
  expect(place.ids.slice(3)).toEqual(later);
  await again();
});

test('what was placed before the bridge was set up is not told', async () => {
  await forgetReader(api.store.database, BRIDGE);
  await placed(2);
  await declareReaders(api.store.database, new Map([[BRIDGE, ['order.created']]]));
  const [order] = await placed(1);
  const place = new Place();
  const end = running(place);
  await eventually(() => place.ids.includes(order!));
  expect(place.ids).toEqual([order]);
  await end();
});

test('what the broker does not prove to hold is published until it does, and no order is missing', async () => {
  const place = new Place();
  let answers = 0;
  place.settle = () => (answers++ % 3 === 0 ? stored : unavailable);
  const ids = await placed(10);
  const end = running(place);
  await eventually(() => answers > 10 && ids.every((id) => place.ids.includes(id)));
  await end();
});

test('a process that dies before it knows leaves the orders to the next', async () => {
  const [deaf, place] = [new Place(), new Place()];
  deaf.settle = () => unavailable;
  const ids = await placed(3);
  const dies = running(deaf);
  await eventually(() => deaf.read.length > 0);
  await dies();
  const end = running(place);
  await eventually(() => place.read.length === 3);
  expect(place.ids).toEqual(ids);
  await end();
});

test('of two processes one works, and the other takes over', async () => {
  const onError = () => undefined;
  const other = new PostgresStore({ url: api.databaseUrl, connections: 5, applicationName: 'other', onError });
  const places = [new Place(), new Place()] as const;
  const ends = [running(places[0]), running(places[1], other)] as const;
  const first = await placed(5);
  const all = () => [...places[0].ids, ...places[1].ids];
  await eventually(() => all().length === 5);
  expect(all()).toEqual(first);
  const working = places[0].read.length > 0 ? 0 : 1;
  await ends[working]();
  const second = await placed(5);
  await eventually(() => all().length === 10);
  expect(places[1 - working]!.ids).toEqual(second);
  await ends[1 - working]!();
  await other.close();
});

test('what the broker refuses holds nobody up, is a letter of the bridge alone, and is published when it is redriven', async () => {
  const place = new Place();
  const [refused, taken] = await placed(2);
  let refuses = true;
  place.settle = ({ key }) =>
    refuses && key === refused ? { stored: false, problem: 'refused', detail: 'too large' } : stored;
  const end = running(place);
  await eventually(() => place.ids.includes(taken!));
  const letters = () => api.sql(`SELECT consumer_group, key, state FROM inbox`);
  await eventually(async () => (await letters()).length === 1);
  // Of group relay it would keep the delivery audit from asking for the event, which our own broker has.
  expect(await letters()).toEqual([{ consumer_group: 'bridge-out', key: refused, state: 'dead' }]);

  const { deadLetters } = api.store;
  const redrive = () => deadLetters.redrive({ group: 'bridge-out' }, { limit: 1, actor: 'me', reason: 'mended' });
  expect(await redrive()).toBe(1);
  const out = outletOf(place);
  await out.retryDue();
  expect(await letters()).toMatchObject([{ state: 'dead' }]);
  refuses = false;
  expect(await redrive()).toBe(1);
  await out.retryDue();
  expect(await letters()).toMatchObject([{ state: 'applied' }]);
  expect(place.ids.filter((id) => id === refused)).toHaveLength(3);
  expect(await api.events(refused!)).toHaveLength(1);
  await end();
});

test('after a restore all that is kept is told again, for nobody knows what others hold', async () => {
  const place = new Place();
  const ids = await placed(3);
  const end = running(place);
  await eventually(() => place.read.length === 3);
  await end();
  await api.sql('UPDATE log_cursor SET system_identifier = 1');
  const restored = running(place);
  await eventually(() => place.read.length === 6);
  expect(place.ids.slice(3)).toEqual(ids);
  await restored();
});

test('what it has not published is not forgotten, until it is set up no more', async () => {
  const [id] = await placed(1);
  await api.publishAll();
  await api.sql(`UPDATE log_cursor SET last = pg_current_snapshot() WHERE reader LIKE 'audit %'`);
  const forget = async () => {
    await api.sql(`UPDATE outbox SET created_at = clock_timestamp() - interval '10 days' WHERE key = $1`, [id]);
    await api.store.forgetOutbox(7);
    return (await api.events(id!)).length;
  };
  expect(await forget()).toBe(1);
  await forgetReader(api.store.database, BRIDGE);
  expect(await forget()).toBe(0);
});
