import { events } from '@order-events/contracts';
import { eventually } from '@order-events/testing';
import { Counting, GROUP, reserved } from '../../test/counting';
import { DeadLetterError, StoreError, type Message } from '../index';

let service: Counting;
beforeEach(() => {
  service = new Counting();
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a decision that throws', () => {
  const fail = (order: string, error = new Error('not yet')) => {
    service.meddle = ({ subject }) => {
      if (subject === order) throw error;
    };
  };

  test('holds nobody else up, and is tried again after a while until it succeeds', async () => {
    const batch = [reserved('o1'), reserved('bad'), reserved('o2')];
    fail('bad');
    const pipeline = service.pipeline();
    await pipeline.handle(batch);
    expect(await service.states(batch)).toEqual(['applied', 'retrying', 'applied']);
    await pipeline.handle([batch[1]!]);
    expect(service.notes.outcomes).toEqual(['applied', 'retrying', 'applied', 'duplicate']);

    expect(await pipeline.retryDue()).toBe(0);
    service.runtime.pass(200);
    expect(await pipeline.retryDue()).toBe(1);
    service.runtime.pass(200);
    expect(await pipeline.retryDue()).toBe(0);
    service.meddle = () => {};
    service.runtime.pass(200);
    expect(await pipeline.retryDue()).toBe(1);
    expect(await service.states(batch)).toEqual(['applied', 'applied', 'applied']);
    expect(await service.count('bad')).toBe(1);
    service.runtime.pass(600_000);
    expect(await pipeline.retryDue()).toBe(0);
  });

  test('is a dead letter after ten tries', async () => {
    const message = reserved('bad');
    fail('bad');
    const pipeline = service.pipeline();
    await pipeline.handle([message]);
    for (let tried = 1; tried < 10; tried++) {
      expect(await service.states([message])).toEqual(['retrying']);
      service.runtime.pass(300_000);
      expect(await pipeline.retryDue()).toBe(1);
    }
    expect(await service.states([message])).toEqual(['dead']);
    expect(service.notes.outcomes).toEqual([...Array.from({ length: 9 }, () => 'retrying'), 'dead']);
    service.runtime.pass(600_000);
    expect(await pipeline.retryDue()).toBe(0);
    expect(await service.count('bad')).toBe(0);
  });

  test('is a dead letter at once when no retry can help', async () => {
    const message = reserved('bad');
    fail('bad', new DeadLetterError('an answer for an order that nobody placed'));
    await service.pipeline().handle([message]);
    expect(await service.states([message])).toEqual(['dead']);
    expect(service.notes.errors).toEqual(['an answer for an order that nobody placed']);
  });

  test('also counts when it throws something that is no error', async () => {
    const message = reserved('bad');
    service.meddle = () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what foreign code may do
      throw 'text';
    };
    await service.pipeline().handle([message]);
    expect(await service.states([message])).toEqual(['retrying']);
    expect(service.notes.errors).toEqual(['text']);
  });

  test('a retry that two workers have at once is decided once', async () => {
    fail('bad');
    const [one, two] = [service.pipeline(), service.pipeline(service.process())];
    await one.handle([reserved('bad')]);
    service.meddle = () => {};
    service.runtime.pass(200);
    const [due] = await service.store.dueRetries(GROUP, 10);
    // Past the lease of whoever fetched it first.
    service.runtime.pass(60_000);
    expect(due).toBeDefined();
    await Promise.all([one.retryDue(), two.retryDue()]);
    expect(await service.count('bad')).toBe(1);
  });
});

describe('a message that cannot be read', () => {
  const broken = (change: Partial<Message['headers']>, body?: string): Message => {
    const message = reserved('o1');
    return {
      ...message,
      headers: { ...message.headers, ...(change as Record<string, string>) },
      body: body === undefined ? message.body : Buffer.from(body),
    };
  };

  test.each([
    ['of an unknown type', broken({ 'ce-type': 'order.vanished' }), 'unknown_type'],
    ['of another version', broken({ 'ce-dataschema': 'urn:order-events:inventory.reserved:0' }), 'unknown_version'],
    ['with other data', broken({}, '{"order_id":7}'), 'invalid_data'],
    [
      'that nobody handles',
      broken({ 'ce-type': 'payment.voided', 'ce-dataschema': 'urn:order-events:payment.voided:1' }),
      'no handler',
    ],
  ])('%s is a dead letter at once, and the rest of its batch is applied', async (_, message, error) => {
    await service.pipeline().handle([message, reserved('o2')]);
    expect(await service.states([message])).toEqual(['dead']);
    expect(service.notes.outcomes).toEqual(['dead', 'applied']);
    expect(service.notes.errors).toEqual([expect.stringContaining(error)]);
  });

  test('garbage is a dead letter, one however often it comes', async () => {
    const garbage = { topic: 'inventory.reserved', key: 'k', headers: {}, body: Buffer.from([0, 255, 1]) };
    await service.pipeline().handle([garbage, { ...garbage, body: Buffer.from('[]') }]);
    await service.pipeline().handle([garbage]);
    expect(service.notes.outcomes).toEqual(['dead', 'dead', 'duplicate']);
  });

  test('a newer version waits for a deployment that knows it, however long', async () => {
    const message = broken({ 'ce-dataschema': 'urn:order-events:inventory.reserved:99' });
    const pipeline = service.pipeline();
    await pipeline.handle([message]);
    for (let tried = 0; tried < 20; tried++) {
      expect(await service.states([message])).toEqual(['retrying']);
      service.runtime.pass(60_000);
      expect(await pipeline.retryDue()).toBe(1);
    }
  });

  test('once a deployment knows its version, it has all its tries', async () => {
    const message = broken({ 'ce-dataschema': 'urn:order-events:inventory.reserved:2' });
    const pipeline = service.pipeline();
    await pipeline.handle([message]);
    for (let waited = 0; waited < 20; waited++) {
      service.runtime.pass(60_000);
      await pipeline.retryDue();
    }
    jest.replaceProperty(events['inventory.reserved'], 'version', 2 as 1);
    service.meddle = () => {
      throw new Error('not yet');
    };
    for (let tried = 0; tried < 9; tried++) {
      service.runtime.pass(300_000);
      await pipeline.retryDue();
      expect(await service.states([message])).toEqual(['retrying']);
    }
    service.runtime.pass(300_000);
    await pipeline.retryDue();
    expect(await service.states([message])).toEqual(['dead']);
    expect(service.notes.errors.slice(-10)).toEqual(Array.from({ length: 10 }, () => 'not yet'));
  });
});

describe('a database', () => {
  test('that refuses the data of one event fails that event alone', async () => {
    const batch = ['o1', 'o2', 'bad', 'o3', 'o4', 'o5', 'o6'].map((order) => reserved(order));
    service.store.culprits.set('bad', new StoreError('rejected', 'bad breaks a constraint'));
    await service.pipeline().handle(batch);
    expect(await service.states(batch)).toEqual([
      'applied',
      'applied',
      'retrying',
      'applied',
      'applied',
      'applied',
      'applied',
    ]);
    expect(service.published).toHaveLength(6);
    expect(service.notes.errors).toEqual(['bad breaks a constraint']);
    service.store.culprits.clear();
    service.runtime.pass(300_000);
    await service.pipeline().retryDue();
    expect(await service.count('bad')).toBe(1);
  });

  test('that is away for a while holds the batch, and then takes it', async () => {
    service.store.away = true;
    const handled = service.pipeline().handle([reserved('o1')]);
    await eventually(() => service.notes.holds >= 5);
    service.store.away = false;
    await handled;
    expect(service.notes.outcomes).toEqual(['applied']);
    expect(await service.count('o1')).toBe(1);
  });

  test('that stays away for minutes sends the batch back, without a mark on it', async () => {
    service.store.away = true;
    const message = reserved('o1');
    await expect(service.pipeline().handle([message])).rejects.toThrow('the database is away');
    expect(service.runtime.elapsed()).toBeGreaterThan(3 * 60_000);
    service.store.away = false;
    expect(await service.states([message])).toEqual([undefined]);
    expect(service.notes.outcomes).toEqual([]);
  });

  test('that is away when the process stops sends the batch back at once', async () => {
    service.store.away = true;
    const stop = new AbortController();
    const handled = service.pipeline().handle([reserved('o1')], stop.signal);
    await eventually(() => service.notes.holds >= 2);
    stop.abort();
    await expect(handled).rejects.toThrow('stopped while waiting');
  });

  test('whose answer to a commit is lost has the event once', async () => {
    service.store.lostAnswers = 1;
    await service.pipeline().handle([reserved('o1'), reserved('o2')]);
    expect(service.notes.outcomes).toEqual(['duplicate', 'duplicate']);
    expect(await service.count('o1')).toBe(1);
    expect(service.published).toHaveLength(2);
  });

  test('in which somebody was in the way is asked again, and nothing counts as a try', async () => {
    service.store.refusals.push(new StoreError('contended', 'deadlock'), new StoreError('contended', 'deadlock'));
    await service.pipeline().handle([reserved('o1')]);
    expect(service.notes).toMatchObject({ holds: 2, outcomes: ['applied'] });
  });

  test('in which something is in the way for ever counts it as the event’s own fault, each by itself', async () => {
    const batch = [reserved('o1'), reserved('o2')];
    service.store.culprits.set('o2', new StoreError('contended', 'lock time-out'));
    await service.pipeline().handle(batch);
    expect(await service.states(batch)).toEqual(['applied', 'retrying']);
    expect(service.notes.errors).toEqual(['lock time-out']);
  });
});

test('a batch of which nothing can be committed goes back to the broker, and nothing counts as a try', async () => {
  const batch = [reserved('o1'), reserved('o2')];
  const error = new StoreError('contended', 'lock time-out');
  for (const order of ['o1', 'o2']) service.store.culprits.set(order, error);
  await expect(service.pipeline().handle(batch)).rejects.toBe(error);
  expect(await service.states(batch)).toEqual([undefined, undefined]);
});

test('a decision that writes a row which its keys do not name fails, and writes nothing', async () => {
  jest.spyOn(Counting, 'count').mockReturnValue({
    rows: { journal: [{ name: 'x', version: 1 }], counters: [{ name: 'other', version: 1, count: 1, note: null }] },
  });
  const message = reserved('o1');
  await service.pipeline().handle([message]);
  expect(await service.states([message])).toEqual(['retrying']);
  expect(service.notes.errors).toEqual(['a decision wrote a row that its keys do not name: counters other']);
  expect(service.database.table('journal').size).toBe(0);
});

test('a table that is locked for half an hour makes no dead letter of the only event that came meanwhile', async () => {
  const service = new Counting();
  const pipeline = service.pipeline();
  const message = reserved('o1');
  // ALTER TABLE, VACUUM FULL, a dump with a lock: whatever is tried runs into its statement time-out. The inbox is not locked.
  service.store.culprits.set('o1', new StoreError('contended', 'canceling statement due to statement timeout'));
  const begin = service.runtime.elapsed();
  await pipeline.handle([message]).catch(() => undefined);
  while (service.runtime.elapsed() - begin < 30 * 60_000) {
    await pipeline.retryDue().catch(() => undefined);
    service.runtime.pass(30_000);
  }
  expect(await service.states([message])).not.toEqual(['dead']);
});

test('an event that another version filed, and whose body this one cannot read, is no other event for that', async () => {
  const service = new Counting();
  const good = reserved('o1');
  const id = good.headers['ce-id']!;
  const message = { ...good, headers: { ...good.headers, 'content-encoding': 'of a version to come' } };
  const failure = { message, error: 'not now', attempts: 1, delayMs: 0 };
  const { topic, key } = good;
  await service.store.transact((tx) => tx.take(GROUP, [{ id, topic, key, state: 'retrying', failure }]));
  const pipeline = service.pipeline();
  expect(await pipeline.retryDue()).toBe(1);
  expect(await service.states([good])).toEqual(['dead']);
  expect(service.notes.outcomes).toHaveLength(1);
});

test('a letter that went by its bytes, because nobody could read it, comes in as the event that it is once somebody can', async () => {
  const message = reserved('o1');
  const letter = '01a00000-0000-8000-8000-000000000000';
  const { topic, key } = message;
  const failure = { message, error: 'an encoding that was unknown then', attempts: 1, delayMs: 0 };
  await service.store.transact((tx) => tx.take(GROUP, [{ id: letter, topic, key, state: 'retrying', failure }]));
  const pipeline = service.pipeline();
  expect(await pipeline.retryDue()).toBe(1);
  expect(await service.count('o1')).toBe(1);
  const held = await service.store.transact((tx) => tx.held(GROUP, [letter, message.headers['ce-id']!]));
  expect([...held.values()]).toEqual(['applied', 'applied']);
  service.runtime.pass(3_600_000);
  expect(await pipeline.retryDue()).toBe(0);
  await pipeline.handle([message]);
  expect(await service.count('o1')).toBe(1);
});
