import { noTracer } from '@order-events/messaging';
import { Metrics } from '@order-events/service-kit';
import { eventually, NotedTracer } from '@order-events/testing';
import { foreignTracer } from '../src/bridge/foreign-tracer';
import { Intake } from '../src/bridge/intake';
import { Sweeper } from '../src/deadlines/sweeper';
import { log, order, OrderApi } from './start-order-api';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let api: OrderApi;
let tracer: NotedTracer;
beforeEach(async () => {
  api = await OrderApi.start();
  tracer = new NotedTracer();
  api.tracer = tracer;
});
afterEach(() => api.close());

const traceparents = async (id: string) => (await api.events(id)).map(({ headers }) => headers['ce-traceparent']);
/** A request is over a moment after it was answered. */
const allEnded = () => eventually(() => tracer.ended.length === tracer.spans.length);

test('a request is a child of the trace context that its caller sends, and the event of an order a child of the request', async () => {
  const response = await api.post(order, { traceparent: TRACEPARENT });
  const { order_id } = (await response.json()) as { order_id: string };
  await allEnded();
  const [span] = tracer.spans;
  expect(tracer.spans).toEqual([
    {
      name: 'POST /orders',
      kind: 'server',
      parent: TRACEPARENT,
      traceparent: span!.traceparent,
      hasEnded: true,
      attributes: {
        'http.request.method': 'POST',
        'url.path': '/orders',
        'http.route': '/orders',
        'http.response.status_code': 201,
      },
    },
  ]);
  expect(await traceparents(order_id)).toEqual([span!.traceparent]);
});

test('without a tracer the trace context of the caller is handed on', async () => {
  api.tracer = noTracer;
  const response = await api.post(order, { traceparent: TRACEPARENT });
  const { order_id } = (await response.json()) as { order_id: string };
  expect(await traceparents(order_id)).toEqual([TRACEPARENT]);
});

test('requests go by their routes, and of failures only ours are some', async () => {
  const id = await api.placed();
  await api.cancel(id);
  await api.order('none');
  await api.fetch('/nowhere/else');
  await api.fetch('/healthz');
  await api.fetch('/products/prod1/availability', { headers: { traceparent: TRACEPARENT } });
  await allEnded();
  const told = tracer.spans.map(({ name, error, attributes }) => [
    name,
    attributes['http.response.status_code'],
    error,
  ]);
  expect(told).toEqual([
    ['POST /orders', 201, undefined],
    ['POST /orders/:id/cancel', 200, undefined],
    ['GET /orders/:id', 404, undefined],
    ['GET', 404, undefined],
    ['GET /products/:id/availability', 503, 'answered with 503'],
  ]);
  expect(await traceparents(id)).toEqual(tracer.spans.slice(0, 2).map(({ traceparent }) => traceparent));
});

test('an order that expires begins a trace, once it has expired', async () => {
  const id = await api.placed();
  const transport = { ping: () => Promise.resolve(), backlog: () => Promise.resolve(0) };
  await api.publishAll();
  const sweeper = new Sweeper({ store: api.store, transport, deadlineS: 1, log, tracer });
  await sweeper.tick();
  const isOver = async () => {
    await api.sql(`UPDATE deadline_clock SET ticked_at = ticked_at - interval '3 seconds'`);
    await sweeper.tick();
    return (await api.order(id)).status === 'cancelled';
  };
  await eventually(isOver);
  const expiries = tracer.ended.filter(({ name }) => name === 'expire order');
  expect(expiries).toMatchObject([{ kind: 'internal', parent: undefined, attributes: { order_id: id } }]);
  expect((await traceparents(id)).at(-1)).toBe(expiries[0]!.traceparent);
});

test('an order of other teams goes on in their trace, at their address', async () => {
  const source = 'kafka:order_events';
  const { store } = api;
  const never = new AbortController().signal;
  const shared = { store, outboxAge: { isOld: false }, maxEventBytes: 1_000_000, metrics: new Metrics('test'), log };
  const intake = new Intake({ ...shared, source, tracer: foreignTracer(tracer, source) });
  const bare = { order_id: 'theirs', user_id: 'u1', product_ids: ['prod1'], timestamp: 1_700_000_000 };
  const message = (body: string) => ({
    ...{ topic: '', key: '', headers: { traceparent: TRACEPARENT } },
    body: Buffer.from(body),
  });
  await intake.handle([message(JSON.stringify(bare)), message('{')], never);
  const common = { name: `process ${source}`, kind: 'consumer', parent: TRACEPARENT };
  const at = { 'messaging.system': 'kafka', 'messaging.destination.name': source };
  expect(tracer.ended).toMatchObject([
    { ...common, attributes: { ...at, order_id: 'theirs', 'order_events.outcome': 'applied' } },
    { ...common, attributes: { ...at, 'order_events.outcome': 'dead' }, error: expect.stringContaining('not JSON') },
  ]);
  expect(await traceparents('theirs')).toEqual([tracer.spans[0]!.traceparent]);
});
