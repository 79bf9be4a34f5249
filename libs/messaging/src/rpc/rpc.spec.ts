import { requests, requestsTo, requestTopics } from '@order-events/contracts';
import { eventually, RpcNotes } from '@order-events/testing';
import { MemoryBroker, MemoryTransport } from '@order-events/transport-memory';
import type { Message, Settlement, Transport } from '../ports/transport';
import { systemRuntime } from '../runtime';
import { Caller } from './caller';
import { Responder, type RequestHandler } from './responder';

const NAME = 'inventory.availability';
const answered = { in_stock: true, available: 1, or_more: false };
const PATIENCE = { timeoutMs: 300_000 };

let notes: RpcNotes;
let transport: MemoryTransport;
let closers: (() => Promise<void>)[];
beforeEach(async () => {
  notes = new RpcNotes();
  closers = [];
  transport = new MemoryTransport({ broker: new MemoryBroker(), onError: () => {} });
  await transport.declare(requestTopics(requests));
});
afterEach(() => Promise.all(closers.map((close) => close())));

/** @param more of what it stands on, in place of the real one */
function caller(more: Partial<Transport> = {}) {
  const faulty = Object.assign(Object.create(transport) as Transport, more);
  const options = { service: 'order-api', registry: requests, runtime: systemRuntime, observer: notes };
  const made = new Caller({ ...options, transport: faulty });
  closers.push(() => made.close());
  return made;
}

async function responder(answer: RequestHandler['answer'], registry: typeof requests = requests) {
  const options = { service: 'inventory', registry, transport, runtime: systemRuntime, observer: notes };
  const handlers = [{ name: NAME, answer }];
  const made = new Responder({ ...options, handlers, problemOf: () => ({ type: 'p', status: 500 }) });
  await made.start();
  closers.push(() => made.close());
}

const ask = (by: Caller<typeof requests>, product_id = 'p', options = PATIENCE) =>
  by.ask(NAME, { product_id }, options);

test('a caller has no more than a thousand requests open, and room again when they have ended', async () => {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  await responder(async (data) => {
    await gate;
    return { ...data, ...answered };
  });
  const asking = caller();
  const all = Array.from({ length: 1_000 }, () => ask(asking));
  await expect(ask(asking)).rejects.toMatchObject({ reason: 'too_many' });
  letGo();
  await Promise.all(all);
  expect(await ask(asking)).toMatchObject(answered);
});

test('what a slow broker has not taken yet counts, although nobody waits for it any more', async () => {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  await responder((data) => Promise.resolve({ ...data, ...answered }));
  const publish = async (batch: readonly Message[]): Promise<Settlement[]> => {
    await gate;
    return transport.publish(batch);
  };
  const asking = caller({ publish });
  const all = Array.from({ length: 1_000 }, () => ask(asking, 'p', { timeoutMs: 20 }));
  for (const end of await Promise.allSettled(all)) expect(end).toMatchObject({ reason: { reason: 'timeout' } });
  await expect(ask(asking)).rejects.toMatchObject({ reason: 'too_many' });
  letGo();
  await eventually(async () => (await Promise.allSettled([ask(asking)]))[0].status === 'fulfilled');
});

test('a broker that does not take the request is no silence', async () => {
  await responder((data) => Promise.resolve({ ...data, ...answered }));
  const detail = 'the broker is away';
  const publish = (batch: readonly Message[]) =>
    Promise.resolve(batch.map((): Settlement => ({ stored: false, problem: 'unavailable', detail })));
  await expect(ask(caller({ publish }))).rejects.toMatchObject({ reason: 'not_sent', message: detail });
});

test('a caller that could not listen tries again with the next request', async () => {
  await responder((data) => Promise.resolve({ ...data, ...answered }));
  let failures = 2;
  const subscribe: Transport['subscribe'] = (options) =>
    failures-- > 0 ? Promise.reject(new Error('not now')) : transport.subscribe(options);
  const asking = caller({ subscribe });
  await expect(ask(asking)).rejects.toMatchObject({ reason: 'not_sent' });
  await eventually(async () => (await Promise.allSettled([ask(asking)]))[0].status === 'fulfilled');
  expect(notes.errors.map(({ message }) => message)).toEqual([expect.stringContaining('not now')]);
});

test('while the broker does not say whether anybody is there, it is asked all the same', async () => {
  await responder((data) => Promise.resolve({ ...data, ...answered }));
  const isConsumed = () => Promise.reject(new Error('no idea'));
  expect(await ask(caller({ isConsumed }))).toMatchObject(answered);
  expect(notes.errors).toEqual([new Error('no idea')]);
});

test('a request is acknowledged when it is answered, and not before', async () => {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  let isAnswering = false;
  await responder(async (data) => {
    isAnswering = true;
    await gate;
    return { ...data, ...answered };
  });
  const reply = ask(caller());
  await eventually(() => isAnswering);
  expect(await transport.backlog(requestsTo('inventory'))).toBe(1);
  letGo();
  expect(await reply).toMatchObject(answered);
  await eventually(async () => (await transport.backlog(requestsTo('inventory'))) === 0);
});

test('nobody is looked for more than once a second, however many ask', async () => {
  let looks = 0;
  const isConsumed = (group: string) => {
    looks++;
    return transport.isConsumed(group);
  };
  const asking = caller({ isConsumed });
  const ends = await Promise.allSettled(Array.from({ length: 100 }, () => ask(asking)));
  for (const end of ends) expect(end).toMatchObject({ reason: { reason: 'no_responder' } });
  expect(looks).toBe(1);
});

test('nothing goes out that the contract does not name', async () => {
  const published: Message[] = [];
  const { publish } = transport;
  transport.publish = (batch) => {
    published.push(...batch);
    return publish.call(transport, batch);
  };
  await responder((data) => Promise.resolve({ ...data, ...answered, reserved: 7 }));
  expect(await ask(caller())).toEqual({ product_id: 'p', ...answered });
  expect(published.map(({ body }) => Buffer.from(body).toString()).join()).not.toContain('reserved');
});

test('an answer that the contract refuses is a defect, and told as one', async () => {
  await responder((data) => Promise.resolve({ ...data, ...answered, available: 11 }));
  await expect(ask(caller())).rejects.toMatchObject({ reason: 'refused', problem: { type: 'p', status: 500 } });
});

test.each([
  ['a product id that is none', { data: { product_id: 'a b' } }, { status: 400, type: /invalid-data$/ }],
  [
    'a newer version',
    { schema: 'urn:order-events:inventory.availability.request:2' },
    { status: 501, type: /newer-version$/ },
  ],
  ['another schema', { schema: 'urn:other' }, { status: 501, type: /unknown-version$/ }],
])(
  '%s is refused, with the reason',
  async (_, { data, schema }: { data?: object; schema?: string }, { status, type }) => {
    await responder((asked) => Promise.resolve({ ...asked, ...answered }));
    const publish = (batch: readonly Message[]) =>
      transport.publish(
        batch.map((message) => ({
          ...message,
          headers: { ...message.headers, ...(schema && { 'ce-dataschema': schema }) },
          ...(data && { body: Buffer.from(JSON.stringify(data)) }),
        })),
      );
    await expect(ask(caller({ publish }))).rejects.toMatchObject({
      reason: 'refused',
      problem: { status, type: expect.stringMatching(type) },
    });
  },
);

test('a reply of a version that the caller does not know is told as such', async () => {
  const newer = { [NAME]: { ...requests[NAME], reply: { ...requests[NAME].reply, version: 2 } } };
  await responder((data) => Promise.resolve({ ...data, ...answered }), newer as unknown as typeof requests);
  await expect(ask(caller())).rejects.toMatchObject({ reason: 'unreadable' });
});

test('the trace goes along, both ways', async () => {
  const seen: (string | undefined)[] = [];
  const { publish } = transport;
  transport.publish = (batch) => {
    seen.push(...batch.map(({ headers }) => headers['ce-traceparent']));
    return publish.call(transport, batch);
  };
  await responder((data) => Promise.resolve({ ...data, ...answered }));
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await caller().ask(NAME, { product_id: 'p' }, { ...PATIENCE, traceparent });
  expect(seen).toEqual([traceparent, traceparent]);
});

test('a service that does not answer exactly what it may be asked does not begin', () => {
  const make = (names: string[]) => {
    const handlers = names.map((name) => ({ name, answer: () => Promise.resolve({}) }));
    const options = { service: 'inventory', registry: requests, transport, runtime: systemRuntime, observer: notes };
    return () => new Responder({ ...options, handlers, problemOf: () => ({ type: 'p', status: 500 }) });
  };
  expect(make([])).toThrow(/to add: inventory\.availability/);
  expect(make([NAME, 'more'])).toThrow(/to remove: more/);
});

test('the questions wait in a group of their own', () => {
  expect(requestTopics(requests)).toEqual([
    { topic: 'request.inventory', groups: ['request.inventory'] },
    { topic: 'reply.order-api', groups: [] },
  ]);
  expect(requestsTo('inventory')).toBe('request.inventory');
});
