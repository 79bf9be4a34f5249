import { requests, requestTopics } from '@order-events/contracts';
import { eventually, FaultyBroker, NotedTracer, RpcNotes } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import { Charging, charge, TRACE } from '../../test/charging';
import { Counting, reserved } from '../../test/counting';
import { Caller, DeadLetterError, publishRefused, Relay, Responder, systemRuntime } from '../index';

let tracer: NotedTracer;
let service: Counting;
beforeEach(() => {
  tracer = new NotedTracer();
  service = Object.assign(new Counting(), { tracer });
});

test('an event is processed as a child of its trace context, and what follows hangs on that', async () => {
  const id = systemRuntime.eventId();
  await service.pipeline().handle([reserved('o1', id, TRACE)]);
  const [span] = tracer.ended;
  expect(tracer.spans).toEqual([
    {
      name: 'process inventory.reserved',
      kind: 'consumer',
      parent: TRACE,
      traceparent: span!.traceparent,
      hasEnded: true,
      attributes: {
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'inventory.reserved',
        'messaging.consumer.group.name': 'counting',
        'messaging.message.id': id,
        order_id: 'o1',
        'order_events.tries_before': 0,
        'order_events.outcome': 'applied',
      },
    },
  ]);
  expect(service.published[0]!.headers['ce-traceparent']).toBe(span!.traceparent);
});

test('each try is a span of its own, in the trace in which the event came, and says why it failed', async () => {
  service.meddle = () => {
    throw new Error('not now');
  };
  const pipeline = service.pipeline();
  const message = reserved('o1', systemRuntime.eventId(), TRACE);
  await pipeline.handle([message]);
  service.meddle = () => undefined;
  await eventually(async () => {
    await service.runtime.sleep(1_000);
    return (await pipeline.retryDue()) > 0;
  });
  const told = tracer.ended.map(({ parent, error, attributes }) => [parent, error, attributes]);
  expect(told).toEqual([
    [TRACE, 'not now', expect.objectContaining({ 'order_events.tries_before': 0, 'order_events.outcome': 'retrying' })],
    [TRACE, undefined, expect.objectContaining({ 'order_events.tries_before': 1, 'order_events.outcome': 'applied' })],
  ]);
});

test('an event that is tried alone is one span, and a dead letter says why', async () => {
  service.meddle = () => {
    throw new DeadLetterError('never');
  };
  const caution = { isOn: true };
  const message = reserved('o1', systemRuntime.eventId(), TRACE);
  await service.pipeline(service.store, caution).handle([message]);
  expect(tracer.ended).toMatchObject([
    { parent: TRACE, error: 'never', attributes: { 'order_events.outcome': 'dead' } },
  ]);
});

test('what goes back to the broker says why', async () => {
  service.store.away = true;
  const leaving = AbortSignal.abort();
  await expect(service.pipeline().handle([reserved('o1')], leaving)).rejects.toThrow('stopped');
  expect(tracer.ended).toMatchObject([
    { name: 'process inventory.reserved', error: expect.stringContaining('stopped') },
  ]);
});

test('an event on its way to the broker is a child of what decided it; one that is refused says why', async () => {
  const broker = new FaultyBroker();
  broker.settle = ({ key }) =>
    key === 'o2' ? { stored: false, problem: 'refused', detail: 'too large' } : { stored: true };
  await service.pipeline().handle([reserved('o1', systemRuntime.eventId(), TRACE), reserved('o2')]);
  const [first, second] = tracer.spans.map(({ traceparent }) => traceparent);
  const { store, runtime, notes: observer } = service;
  const stop = new AbortController();
  const relay = new Relay({ store, transport: broker, runtime, observer, batch: 10, tracer }).run(stop.signal);
  await eventually(() => service.notes.publications.refused === 1 && service.notes.publications.stored > 0);
  stop.abort();
  await relay;
  const sent = tracer.ended.filter(({ name }) => name === 'send payment.voided');
  expect(sent).toMatchObject([
    { kind: 'producer', parent: first, attributes: { order_id: 'o1', 'messaging.operation.type': 'send' } },
    { kind: 'producer', parent: second, error: 'too large', attributes: { order_id: 'o2' } },
  ]);
});

test('a refused event that an operator sends again goes on in its trace', async () => {
  const message = reserved('o1', systemRuntime.eventId(), TRACE);
  const { store, runtime, notes: observer } = service;
  const failure = { message, error: 'too large', attempts: 1, delayMs: 0 };
  await store.transact((tx) =>
    tx.take('relay', [
      { id: systemRuntime.eventId(), topic: 'inventory.reserved', key: 'o1', state: 'retrying', failure },
    ]),
  );
  await publishRefused({ store, transport: new FaultyBroker(), runtime, observer, group: 'relay', tracer });
  expect(tracer.ended).toMatchObject([{ name: 'send inventory.reserved', parent: TRACE }]);
});

test('a call to the outside is a child of what intended it, each time anew, and what its answer leads to hangs on it', async () => {
  const charging = new Charging();
  charging.service.tracer = tracer;
  let failures = 1;
  charging.outside.meddle = () => {
    if (failures-- > 0) throw new Error('no answer');
  };
  await charging.intend(charge('o1'));
  charging.run();
  await charging.done(1);
  await charging.stop();
  expect(tracer.ended).toMatchObject([
    { name: 'charge', kind: 'client', parent: TRACE, error: 'no answer', attributes: { order_id: 'o1' } },
    { name: 'charge', kind: 'client', parent: TRACE, attributes: { 'order_events.tries_before': 1 } },
  ]);
  expect(charging.service.published[0]!.headers['ce-traceparent']).toBe(tracer.spans[1]!.traceparent);
});

test('a request is a child of the trace context that it is given, and its answer a child of the request', async () => {
  const transport = new MemoryTransport({ broker: new MemoryBroker(), onError: () => {} });
  await transport.declare(requestTopics(requests));
  const shared = { registry: requests, transport, runtime: systemRuntime, observer: new RpcNotes(), tracer };
  const name = 'inventory.availability';
  let isThere = true;
  const answer = (data: object) =>
    isThere
      ? Promise.resolve({ ...data, in_stock: true, available: 1, or_more: false })
      : Promise.reject(new Error('no database'));
  const problemOf = (error: unknown) => ({ type: 'p', status: 503, detail: (error as Error).message });
  const responder = new Responder({ ...shared, service: 'inventory', handlers: [{ name, answer }], problemOf });
  await responder.start();
  const caller = new Caller({ ...shared, service: 'order-api' });
  const ask = () => caller.ask(name, { product_id: 'p' }, { timeoutMs: 300_000, traceparent: TRACE });
  await ask();
  isThere = false;
  await expect(ask()).rejects.toThrow('no database');
  await caller.close();
  await responder.close();
  const [asked, , askedAgain] = tracer.spans;
  expect(tracer.ended).toMatchObject([
    { name, kind: 'client', parent: TRACE },
    { name, kind: 'server', parent: asked!.traceparent },
    { name, kind: 'client', parent: TRACE, error: 'no database' },
    { name, kind: 'server', parent: askedAgain!.traceparent, error: 'no database' },
  ]);
  expect(tracer.ended.slice(0, 2).map(({ error }) => error)).toEqual([undefined, undefined]);
});
