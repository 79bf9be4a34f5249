import { type CollectedSpan, eventually, SpanCollector } from '@order-events/testing';
import { programs } from '../src/start/services';
import { Customer, items } from './customer';
import { type TestSystem, testSystem } from './test-system';

/** As a gateway before the door would send it. */
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER_ID = '00f067aa0ba902b7';

let collector: SpanCollector;
let real: TestSystem;
const before = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
beforeAll(async () => {
  collector = await SpanCollector.start();
  // Services find what we have in our own environment.
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
  real = await testSystem({ programs });
  await real.system.start();
});
afterAll(async () => {
  await real.remove();
  await collector.close();
  if (before === undefined) delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  else process.env.OTEL_EXPORTER_OTLP_ENDPOINT = before;
});

const titleOf = ({ service, name }: CollectedSpan) => `${service}: ${name}`;

/** Of the order's trace: each span once, after what it follows from. What comes twice, or is tried again, is there once. */
function edges(): Set<string> {
  const spans = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
  const parents = new Map([
    [CALLER_ID, 'caller'],
    ...spans.map((span): [string, string] => [span.spanId, titleOf(span)]),
  ]);
  return new Set(spans.map((span) => `${parents.get(span.parentSpanId) ?? 'nobody'} → ${titleOf(span)}`));
}

const ORPHAN = 'nobody → ';
const POST = 'order-api: POST /orders';

/** What follows from one event: it is sent, and processed by each of its consumers. */
const told = (by: string, publisher: string, topic: string, ...consumers: string[]) => [
  `${by} → ${publisher}: send ${topic}`,
  ...consumers.map((consumer) => `${by} → ${consumer}: process ${topic}`),
];

const mailed = (topic: string) => `email: process ${topic} → email: mail.send`;

const expected = [
  `caller → ${POST}`,
  ...told(POST, 'order-api', 'order.created', 'inventory', 'payment', 'email'),
  mailed('order.created'),
];

test('an order is one trace, from the request that placed it to the last mail', async () => {
  const url = `${real.system.apiUrls[0]}/orders`;
  const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE_ID}-${CALLER_ID}-01` };
  const order = { user_id: 'user_1', items: items('prod1'), email: 'a@example.com' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(order) });
  expect(response.status).toBe(201);
  const { order_id } = (await response.json()) as { order_id: string };
  expect((await new Customer(real.system).ended(order_id)).status).toBe('completed');
  await eventually(
    () => expected.every((edge) => edges().has(edge)) && ![...edges()].some((edge) => edge.startsWith(ORPHAN)),
  );
  expect([...edges()].sort()).toEqual([...expected].sort());
  const orders = collector.spans.filter(({ attributes }) => attributes['order_id'] === order_id);
  expect(new Set(orders.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
});
