import { Counting, GROUP, reserved } from '../../test/counting';
import { KEPT_BYTES, MAX_BODY_BYTES, type Message } from '../index';

let service: Counting;
beforeEach(() => {
  service = new Counting();
});

/** Cut after its first bytes it would be JSON, and even an event. */
const padded = (bytes: number): Message => {
  const event = reserved('o1');
  const { length } = event.body;
  return { ...event, body: Buffer.concat([event.body, Buffer.alloc(bytes - length, ' ')]) };
};
const failures = () => [...service.database.table<{ id: string; message: Message }>('failures').values()];
const redriven = (id: string, message: Message) => {
  const failure = { message, error: 'redriven', attempts: 0, delayMs: 0 };
  const { topic, key } = message;
  return service.store.transact((tx) => tx.take(GROUP, [{ id, topic, key, state: 'retrying', failure }]));
};
const saysBytes = (bytes: number) => `over-long: at most ${MAX_BODY_BYTES} bytes are read, and it has ${bytes} bytes`;

test('is a dead letter, one however often it comes; its beginning is kept, and never taken for the whole', async () => {
  const message = padded(2 * MAX_BODY_BYTES);
  const pipeline = service.pipeline();
  await pipeline.handle([message, reserved('o2')]);
  await pipeline.handle([message]);
  expect(service.notes.outcomes).toEqual(['dead', 'applied', 'duplicate']);
  const reason = `${saysBytes(message.body.byteLength)}, of which the first ${KEPT_BYTES} are kept`;
  expect(service.notes.errors).toEqual([expect.stringContaining(reason)]);
  const [letter] = failures();
  expect(letter!.message).toMatchObject({ headers: message.headers, body: message.body.subarray(0, KEPT_BYTES) });

  await redriven(letter!.id, letter!.message);
  expect(await pipeline.retryDue()).toBe(1);
  expect(service.notes.outcomes.at(-1)).toBe('dead');
  expect(service.notes.errors.at(-1)).toContain(reason);
  expect(failures()).toMatchObject([letter]);
  expect(await service.count('o1')).toBe(0);
});

test('one that an older version has filed stays whole, and is not said to be cut', async () => {
  const message = padded(MAX_BODY_BYTES + 1);
  await redriven(message.headers['ce-id']!, message);
  expect(await service.pipeline().retryDue()).toBe(1);
  expect(service.notes.outcomes).toEqual(['dead']);
  expect(service.notes.errors).toEqual([expect.stringMatching(new RegExp(`${saysBytes(MAX_BODY_BYTES + 1)}$`))]);
  const [letter] = failures();
  expect(letter!.message.headers).toEqual(message.headers);
  expect(Buffer.from(letter!.message.body).equals(message.body)).toBe(true);
});

test('one that is as long as may be is handled', async () => {
  await service.pipeline().handle([padded(MAX_BODY_BYTES)]);
  expect(await service.count('o1')).toBe(1);
});

test('a whole one that says of itself that it was cut is handled, also when it is tried again', async () => {
  const says = (message: Message) => ({ ...message, headers: { ...message.headers, 'oe-cut-from': '5000000' } });
  const [good, failing] = [says(reserved('o1')), says(reserved('o2'))];
  service.meddle = ({ subject }) => {
    if (subject === 'o2') throw new Error('not yet');
  };
  const pipeline = service.pipeline();
  await pipeline.handle([good, failing]);
  expect(service.notes.outcomes).toEqual(['applied', 'retrying']);
  service.meddle = () => {};
  service.runtime.pass(300_000);
  expect(await pipeline.retryDue()).toBe(1);
  expect(await service.states([good, failing])).toEqual(['applied', 'applied']);
  expect(await service.count('o2')).toBe(1);
});
