import { entry, FaultyBroker } from '@order-events/testing';
import { Counting } from '../test/counting';
import { DEAD_LETTERED } from '@order-events/contracts';
import type { Known } from './ports/store';
import { publishRefused, RELAY } from './refused';

const event = entry('k');
const { id, ...message } = event;
let service: Counting;
let broker: FaultyBroker;
beforeEach(async () => {
  service = new Counting();
  broker = new FaultyBroker();
  // As the relay leaves a record that was refused, and an operator brings it back.
  const failure = { message, error: 'too large', attempts: 1, delayMs: 0 };
  await service.store.transact((tx) =>
    tx.take(RELAY, [{ id, topic: message.topic, key: 'k', state: 'retrying', failure }]),
  );
});

const publish = () =>
  publishRefused({
    ...{ store: service.store, transport: broker, runtime: service.runtime, observer: service.notes },
    group: RELAY,
  });
async function state(): Promise<Known | undefined> {
  return (await service.store.transact((tx) => tx.held(RELAY, [id]))).get(id);
}

test('what is brought back is published as it was, and stands in the outbox anew once the broker holds it', async () => {
  expect(await publish()).toBe(1);
  expect(broker.stored).toEqual([message]);
  expect(service.published).toMatchObject([event]);
  expect(await state()).toBe('applied');
  expect(service.notes.publications).toEqual({ stored: 1, failed: 0, refused: 0 });
  service.runtime.pass(3_600_000);
  expect(await publish()).toBe(0);
});

test('while the broker is away it stays due, and nothing is appended', async () => {
  broker.settle = () => ({ stored: false, problem: 'unavailable', detail: 'no broker' });
  expect(await publish()).toBe(1);
  expect(service.published).toEqual([]);
  expect(await state()).toBe('retrying');
  expect(service.notes.publications).toEqual({ stored: 0, failed: 1, refused: 0 });
  broker.settle = () => ({ stored: true });
  service.runtime.pass(60_000);
  expect(await publish()).toBe(1);
  expect(await state()).toBe('applied');
});

test('what is refused again is dead again, and only that is told', async () => {
  broker.settle = () => ({ stored: false, problem: 'refused', detail: 'still too large' });
  expect(await publish()).toBe(1);
  expect(await state()).toBe('dead');
  expect(service.published.map(({ topic }) => topic)).toEqual([DEAD_LETTERED]);
  expect(service.notes.publications).toEqual({ stored: 0, failed: 0, refused: 1 });
});
