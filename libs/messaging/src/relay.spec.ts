import { entry, eventually, FaultyBroker, type FaultyStore } from '@order-events/testing';
import { Counting } from '../test/counting';
import { Relay, type Message } from './index';

let service: Counting;
let broker: FaultyBroker;
let relays: { stop: AbortController; done: Promise<void> }[];
beforeEach(() => {
  service = new Counting();
  broker = new FaultyBroker();
  relays = [];
});
afterEach(async () => {
  for (const { stop } of relays) stop.abort();
  await Promise.all(relays.map(({ done }) => done));
});

/** A relay as one process runs it. */
function run(store: FaultyStore = service.process(), to = broker) {
  const relay = new Relay({ store, transport: to, runtime: service.runtime, observer: service.notes, batch: 10 });
  const stop = new AbortController();
  const running = { stop, done: relay.run(stop.signal) };
  relays.push(running);
  return running;
}

const append = (...bodies: string[]) =>
  service.store.transact((tx) => tx.append(bodies.map((body) => entry('k', body))));
const text = ({ body }: Message) => Buffer.from(body).toString();
const stored = () => broker.stored.map(text);
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
const unavailable = { stored: false, problem: 'unavailable', detail: 'no broker' } as const;
const refused = { stored: false, problem: 'refused', detail: 'too large' } as const;

test('publishes what is in the outbox and what comes, each once and in order, with the time it was appended', async () => {
  await append(...numbers(25));
  run();
  await eventually(() => stored().length >= 25);
  await append('last');
  await eventually(() => stored().length >= 26);
  expect(stored()).toEqual([...numbers(25), 'last']);
  expect(broker.stored[0]!.headers['ce-time']).toBe(service.published[0]!.time.toISOString());
  expect(service.notes.publications).toEqual({ stored: 26, failed: 0, refused: 0 });
});

test('publishes large events in small pages, one right after the other', async () => {
  await append(...numbers(13).map((n) => n.padEnd(700_000)));
  const store = service.process();
  const waits = jest.spyOn(store, 'wait');
  const pages: { length: number; waits: number }[] = [];
  const { publish } = broker;
  broker.publish = (batch) => {
    pages.push({ length: batch.length, waits: waits.mock.calls.length });
    return publish.call(broker, batch);
  };
  run(store);
  await eventually(() => stored().length >= 13);
  expect(pages).toEqual([6, 6, 1].map((length) => ({ length, waits: 0 })));
});

test('tries again while the broker is away, and goes on in order when it is back', async () => {
  broker.settle = () => unavailable;
  await append(...numbers(25));
  run();
  await eventually(() => service.notes.publications.failed > 50);
  expect(stored()).toEqual([]);
  expect((await service.store.outboxStatus()).oldestMs).toBeGreaterThan(0);
  broker.settle = () => ({ stored: true });
  await eventually(async () => (await service.store.outboxStatus()).oldestMs === 0);
  expect(stored()).toEqual(numbers(25));
});

test('repeats only what the broker does not have', async () => {
  let failures = 3;
  broker.settle = (message) => (text(message) === '1' && failures-- > 0 ? unavailable : { stored: true });
  await append('0', '1', '2');
  run();
  await eventually(() => stored().length >= 3);
  expect(stored()).toEqual(['0', '2', '1']);
  expect(service.notes.publications).toEqual({ stored: 3, failed: 3, refused: 0 });
});

test('files what the broker refuses for its own sake as a dead letter, and goes on', async () => {
  broker.settle = (message) => (text(message) === 'huge' ? refused : { stored: true });
  await append('0', 'huge', '2');
  run();
  const huge = service.published[1]!.id;
  const held = () => service.store.transact((tx) => tx.held('relay', [huge]));
  await eventually(async () => (await held()).get(huge) === 'dead');
  await append('next');
  await eventually(() => stored().length >= 4);
  expect(stored().filter((body) => !body.includes('too large'))).toEqual(['0', '2', 'next']);
  expect(service.notes.publications).toEqual({ stored: 4, failed: 0, refused: 1 });
});

test('a crash between publishing and the lasting place repeats the page, and loses nothing', async () => {
  await append(...numbers(15));
  const dying = service.process();
  broker.settle = () => {
    void dying.close();
    return { stored: true };
  };
  const first = run(dying);
  await eventually(() => stored().length >= 10);
  first.stop.abort();
  await first.done;
  broker.settle = () => ({ stored: true });
  run();
  await eventually(() => stored().length >= 25);
  expect(stored()).toEqual([...numbers(10), ...numbers(15)]);
});

test('a lost answer to the lasting place is no harm: the page may come again, and nothing is left out', async () => {
  const store = service.process();
  await append(...numbers(15));
  broker.settle = () => {
    store.away = true;
    return { stored: true };
  };
  run(store);
  await eventually(() => service.notes.errors.length >= 3);
  broker.settle = () => ({ stored: true });
  store.away = false;
  await eventually(async () => (await service.store.outboxStatus()).oldestMs === 0);
  expect([...new Set(stored())]).toEqual(numbers(15));
  expect(service.notes.errors[0]).toBe('relay: the database is away');
});

test('stopped in the middle, it leaves the rest to the next', async () => {
  broker.settle = (message) => (Number(text(message)) < 5 ? { stored: true } : unavailable);
  await append(...numbers(15));
  const first = run();
  await eventually(() => service.notes.publications.failed > 0);
  first.stop.abort();
  await first.done;
  expect(stored()).toEqual(numbers(5));
  broker.settle = () => ({ stored: true });
  run();
  await eventually(() => stored().length >= 20);
  expect(stored()).toEqual([...numbers(5), ...numbers(15)]);
});

test('stops also while the database is away', async () => {
  const store = service.process();
  const reader = store.outbox();
  reader.release = () => Promise.reject(new Error('the database is away'));
  store.outbox = () => reader;
  const { stop, done } = run(store);
  stop.abort();
  await done;
  expect(service.notes.errors).toEqual(['relay: the database is away']);
});

test('publishes nothing more of a page when somebody else has taken over', async () => {
  const cutOff = new FaultyBroker();
  cutOff.settle = () => unavailable;
  await append(...numbers(5));
  run(service.process(), cutOff);
  await eventually(() => service.notes.publications.failed > 0);
  // The process hangs for longer than its lease.
  service.runtime.pass(60_000);
  run();
  await eventually(() => stored().length >= 5);
  cutOff.settle = () => ({ stored: true });
  await append('last');
  await eventually(() => stored().length >= 6);
  expect(stored()).toEqual([...numbers(5), 'last']);
  expect(cutOff.stored).toEqual([]);
});
