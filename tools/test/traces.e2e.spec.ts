import { randomBytes } from 'node:crypto';
import { type CollectedSpan, eventually, SpanCollector } from '@order-events/testing';
import { programs } from '../src/start/services';
import { Customer, items } from './customer';
import { type TestSystem, testSystem } from './test-system';

const VARIABLE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
/** As a gateway before the door would have it. */
const CALLER_ID = '00f067aa0ba902b7';
/** Nobody promises that no span is lost: then the trace of another order has to be whole. */
const ATTEMPTS = 5;
const LOST_MS = 60_000;

let collector: SpanCollector;
let real: TestSystem;
const before = process.env[VARIABLE];
beforeAll(async () => {
  collector = await SpanCollector.start();
  // Services find what we have in our own environment.
  process.env[VARIABLE] = collector.url;
  real = await testSystem({ programs });
  await real.system.start();
});
afterAll(async () => {
  await real.remove();
  await collector.close();
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

/** What each span may follow from. Where it is one of several, it follows from the one that came last. */
type Parents = Readonly<Record<string, readonly string[]>>;

const CALLER = 'the caller';
const POST = 'order-api: POST /orders';
/** One follows from each of the events that a customer hears of. */
const MAIL = 'email: mail.send';

/** An event is sent, and processed by each of its consumers, after what decided it. */
const told = (publisher: string, topic: string, consumers: string[], ...by: string[]): Parents =>
  Object.fromEntries([
    [`${publisher}: send ${topic}`, by],
    ...consumers.map((consumer) => [`${consumer}: process ${topic}`, by]),
  ]);

const ofAnOrder: Parents = {
  [POST]: [CALLER],
  ...told('order-api', 'order.created', ['inventory', 'payment', 'logistics', 'email'], POST),
  ...told('inventory', 'inventory.reserved', ['order-api'], 'inventory: process order.created'),
  'payment: gateway.authorize': ['payment: process order.created'],
  ...told('payment', 'payment.authorized', ['order-api'], 'payment: gateway.authorize'),
  ...told(
    'order-api',
    'order.confirmed',
    ['payment', 'email'],
    'order-api: process inventory.reserved',
    'order-api: process payment.authorized',
  ),
  'payment: gateway.capture': ['payment: process order.confirmed'],
  ...told('payment', 'payment.captured', ['order-api'], 'payment: gateway.capture'),
  ...told('order-api', 'order.paid', ['inventory', 'logistics'], 'order-api: process payment.captured'),
  'logistics: carrier.dispatch': ['logistics: process order.paid', 'logistics: process order.created'],
  ...told('logistics', 'shipment.dispatched', ['order-api'], 'logistics: carrier.dispatch'),
  ...told('order-api', 'order.completed', ['email'], 'order-api: process shipment.dispatched'),
  [MAIL]: ['order.created', 'order.confirmed', 'order.completed'].map((topic) => `email: process ${topic}`),
};

const ofAQuestion: Parents = {
  'order-api: GET /products/:id/availability': [CALLER],
  'order-api: inventory.availability': ['order-api: GET /products/:id/availability'],
  'inventory: inventory.availability': ['order-api: inventory.availability'],
};

const titleOf = ({ service, name }: CollectedSpan) => `${service}: ${name}`;

/** What is not as it should be in that trace. */
function faults(traceId: string, expected: Parents): string[] {
  const spans = collector.spans.filter((span) => span.traceId === traceId);
  const titles = new Map([[CALLER_ID, CALLER], ...spans.map((span): [string, string] => [span.spanId, titleOf(span)])]);
  const edges = spans.map((span) => ({ title: titleOf(span), parent: titles.get(span.parentSpanId) ?? 'nobody' }));
  const isThere = (title: string, parent?: string) =>
    edges.some((edge) => edge.title === title && (parent ?? edge.parent) === edge.parent);
  return [
    ...Object.keys(expected).flatMap((title) => (isThere(title) ? [] : [`there is no ${title}`])),
    ...(expected[MAIL] ?? []).flatMap((parent) => (isThere(MAIL, parent) ? [] : [`no mail follows from ${parent}`])),
    ...edges.flatMap(({ title, parent }) =>
      expected[title]?.includes(parent) ? [] : [`${title} follows from ${parent}`],
    ),
  ];
}

/** @param request is made in a trace, and made again in another one if that is not whole */
async function expectTraced(expected: Parents, request: (traceparent: string) => Promise<void>): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const traceId = randomBytes(16).toString('hex');
    await request(`00-${traceId}-${CALLER_ID}-01`);
    const patience = performance.now() + LOST_MS;
    await eventually(() => faults(traceId, expected).length === 0 || performance.now() > patience);
    if (attempt === ATTEMPTS) expect(faults(traceId, expected)).toEqual([]);
    if (faults(traceId, expected).length === 0) return traceId;
  }
}

test('an order is one trace, from the request that placed it to the last mail', async () => {
  const customer = new Customer(real.system);
  const order = JSON.stringify({ user_id: 'user_1', items: items('prod1'), email: 'a@example.com' });
  let order_id = '';
  const traceId = await expectTraced(ofAnOrder, async (traceparent) => {
    const headers = { 'content-type': 'application/json', traceparent };
    const response = await fetch(`${real.system.apiUrls[0]}/orders`, { method: 'POST', headers, body: order });
    expect(response.status).toBe(201);
    ({ order_id } = (await response.json()) as { order_id: string });
    expect((await customer.ended(order_id)).status).toBe('completed');
  });
  const ofTheOrder = collector.spans.filter(({ attributes }) => attributes['order_id'] === order_id);
  expect(new Set(ofTheOrder.map((span) => span.traceId))).toEqual(new Set([traceId]));
});

test('a question to another service is one trace, too', async () => {
  await expectTraced(ofAQuestion, async (traceparent) => {
    const url = `${real.system.apiUrls[0]}/products/prod1/availability`;
    await eventually(async () => (await fetch(url, { headers: { traceparent } })).ok);
  });
});
