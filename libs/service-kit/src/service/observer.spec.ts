import { pino } from 'pino';
import { encode, read, systemRuntime, type OpenEffect } from '@order-events/messaging';
import { Metrics } from '../metrics';
import { observe } from './observer';

const lines: Record<string, unknown>[] = [];
const log = pino({ level: 'info', base: {} }, { write: (line: string) => void lines.push(JSON.parse(line)) });
let metrics: Metrics;
beforeEach(() => {
  lines.length = 0;
  metrics = new Metrics('inventory');
});

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
const arrival = read(
  encode(
    { type: 'inventory.reserved', subject: 'o1', sequence: 1, data: { order_id: 'o1' } },
    systemRuntime.eventId(),
    {
      source: '/inventory',
      traceparent,
    },
  ),
  { attempts: 2 },
);
const effect: OpenEffect = {
  id: '1',
  kind: 'call',
  key: 'o1',
  idempotencyKey: 'o1.call',
  input: {},
  attempts: 1,
  traceparent,
};

/** The figures whose names begin so, without those that are 0. */
async function figures(name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(name) && !line.endsWith(' 0'));
}

test.each([
  ['applied', undefined, 30],
  ['retrying', new Error('not yet'), 40],
  ['dead', new Error('never'), 50],
  ['expired', undefined, 50],
] as const)(
  'an event that is %s is counted, and logged with its order and its trace',
  async (outcome, error, level) => {
    observe(log, metrics).handled(arrival, outcome, error);
    expect(lines).toMatchObject([
      { level, topic: 'inventory.reserved', order_id: 'o1', event_id: arrival.id, trace_id, outcome },
    ]);
    if (error) expect(lines).toMatchObject([{ attempts: 3, err: { message: error.message } }]);
    expect(await figures('order_events_handled_total')).toEqual([
      `order_events_handled_total{topic="inventory.reserved",outcome="${outcome}",service="inventory"} 1`,
    ]);
  },
);

test('what is published, what is not, and what is held is counted; trouble is logged', async () => {
  const observer = observe(log, metrics);
  observer.published(3);
  observer.publishFailed(2, 'the broker is away');
  observer.held(5, new Error('the database is away'));
  observer.loopFailed('relay', new Error('again'));
  observer.refused({ ...arrival.message, id: 'e1' }, 'too large');
  expect(lines).toMatchObject([
    { level: 40, count: 2, detail: 'the broker is away' },
    { level: 40, count: 5, err: { message: 'the database is away' } },
    { level: 40, loop: 'relay', err: { message: 'again' } },
    {
      level: 50,
      event_id: 'e1',
      order_id: 'o1',
      detail: 'too large',
      msg: expect.stringContaining('npm run oe -- dlq ls'),
    },
  ]);
  expect(await figures('order_events_publish')).toEqual([
    'order_events_published_total{service="inventory"} 3',
    'order_events_publish_failures_total{service="inventory"} 2',
  ]);
  expect(await figures('order_events_held')).toEqual(['order_events_held_total{service="inventory"} 5']);
  expect(await figures('order_events_loop')).toEqual([
    'order_events_loop_failures_total{loop="relay",service="inventory"} 1',
  ]);
});

test('an outside that is away is an alarm until it answers', async () => {
  const observer = observe(log, metrics);
  observer.outsideAway(true);
  expect(await figures('order_events_outside_away')).toEqual(['order_events_outside_away{service="inventory"} 1']);
  observer.outsideAway(false);
  expect(await figures('order_events_outside_away')).toEqual([]);
  expect(lines).toMatchObject([{ level: 50 }, { level: 30 }]);
});

test('calls are measured, and those without an answer are told of', async () => {
  const observer = observe(log, metrics);
  observer.effectDone(effect, 1_500);
  observer.effectFailed(effect, new Error('no answer'), 250);
  observer.answerFailed(effect, new Error('a defect'));
  expect(lines).toMatchObject([
    { level: 30, kind: 'call', order_id: 'o1', trace_id, ms: 1500 },
    { level: 40, kind: 'call', order_id: 'o1', trace_id, attempts: 2, err: { message: 'no answer' } },
    { level: 50, kind: 'call', order_id: 'o1', trace_id, err: { message: 'a defect' } },
  ]);
  expect(await figures('order_events_effect_seconds_sum')).toEqual([
    'order_events_effect_seconds_sum{service="inventory",kind="call",outcome="answered"} 1.5',
    'order_events_effect_seconds_sum{service="inventory",kind="call",outcome="open"} 0.25',
  ]);
  expect(await figures('order_events_effect_seconds_count')).toEqual([
    'order_events_effect_seconds_count{service="inventory",kind="call",outcome="answered"} 1',
    'order_events_effect_seconds_count{service="inventory",kind="call",outcome="open"} 1',
    'order_events_effect_seconds_count{service="inventory",kind="call",outcome="unrecorded"} 1',
  ]);
});
