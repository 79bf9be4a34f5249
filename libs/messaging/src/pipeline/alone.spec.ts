import { Counting, GROUP, reserved } from '../../test/counting';
import { StoreError, type Message } from '../index';

let service: Counting;
beforeEach(() => {
  service = new Counting();
});

const PAST_ITS_TRY_MS = 31_000;

/** A new process, which ends for good in the middle of its decision on the order `killing`. */
function start(caution: { isOn: boolean }, killing?: string) {
  const store = service.process();
  service.meddle = ({ subject }) => {
    if (subject === killing) void store.close();
  };
  return service.pipeline(store, caution);
}
const dies = { message: 'the connection is closed' };
const due = async () => {
  service.runtime.pass(PAST_ITS_TRY_MS);
  const [retry] = await service.store.dueRetries(GROUP, 10);
  service.runtime.pass(PAST_ITS_TRY_MS);
  return retry;
};

describe('after an unclean exit', () => {
  const batch = [reserved('o1'), reserved('bad'), reserved('o2')];
  const bad = batch[1]!;

  test('an event that ends its process is counted each time, is dead after three, and holds nobody up', async () => {
    await expect(start({ isOn: false }, 'bad').handle(batch)).rejects.toMatchObject(dies);
    expect(await service.states(batch)).toEqual([undefined, undefined, undefined]);

    await expect(start({ isOn: true }, 'bad').handle(batch)).rejects.toMatchObject(dies);
    expect(await service.states(batch)).toEqual(['applied', 'retrying', undefined]);
    // What the broker brings again is none of its tries.
    await start({ isOn: true }, 'bad').handle(batch);
    expect(await service.states(batch)).toEqual(['applied', 'retrying', 'applied']);
    expect(await due()).toMatchObject({ attempts: 1, crashes: 1 });

    // Whether anybody is cautious or not: it is known by now.
    await expect(start({ isOn: false }, 'bad').retryDue()).rejects.toMatchObject(dies);
    expect(await due()).toMatchObject({ attempts: 2, crashes: 2 });
    await expect(start({ isOn: false }, 'bad').retryDue()).rejects.toMatchObject(dies);
    expect(await due()).toMatchObject({ attempts: 3, crashes: 3 });

    expect(await start({ isOn: false }, 'bad').retryDue()).toBe(1);
    expect(await service.states([bad])).toEqual(['dead']);
    expect(service.notes.errors.at(-1)).toBe('3 tries in a row have ended with their process');
    expect(service.published.map(({ topic }) => topic)).toEqual([
      'payment.voided',
      'payment.voided',
      'event.dead_lettered',
    ]);
    expect([await service.count('o1'), await service.count('bad'), await service.count('o2')]).toEqual([1, 0, 1]);
  });

  test('each event is decided in a transaction of its own, behind one in which its try is on record', async () => {
    const pipeline = service.pipeline(service.store, { isOn: true });
    const begun: number[] = [];
    const found: Promise<unknown>[] = [];
    service.meddle = () => {
      begun.push(service.store.begun);
      found.push(service.process().dueRetries(GROUP, 10));
    };
    await pipeline.handle(batch);
    expect(begun).toEqual([2, 4, 6]);
    // Somebody else leaves it in peace meanwhile.
    expect(await Promise.all(found)).toEqual([[], [], []]);
    await pipeline.handle(batch);
    expect(service.notes.outcomes).toEqual([...batch.map(() => 'applied'), ...batch.map(() => 'duplicate')]);
    expect(await due()).toBeUndefined();
  });

  test('what a process had in hand that was ended for another reason is decided by the next', async () => {
    await expect(start({ isOn: true }, 'bad').handle([bad])).rejects.toMatchObject(dies);
    service.runtime.pass(PAST_ITS_TRY_MS);
    expect(await start({ isOn: true }).retryDue()).toBe(1);
    expect(await service.states([bad])).toEqual(['applied']);
    expect(await service.count('bad')).toBe(1);
  });

  test('a decision that throws is tried again as ever', async () => {
    service.meddle = () => {
      throw new Error('not yet');
    };
    await service.pipeline(service.store, { isOn: true }).handle([bad]);
    expect(service.notes.errors).toEqual(['not yet']);
    expect(await due()).toMatchObject({ attempts: 1, crashes: undefined });
  });

  test('a database that is in its own way costs no try', async () => {
    const pipeline = service.pipeline(service.store, { isOn: true });
    service.store.culprits.set('bad', new StoreError('contended', 'deadlock detected'));
    await pipeline.handle([bad]);
    expect(await due()).toMatchObject({ attempts: 0, crashes: undefined });
    service.store.culprits.clear();
    await pipeline.retryDue();
    expect(await service.states([bad])).toEqual(['applied']);
  });

  test('what cannot be read is dead at once', async () => {
    const garbage: Message = { ...bad, body: Buffer.from('{') };
    await service.pipeline(service.store, { isOn: true }).handle([garbage, bad]);
    expect(service.notes.outcomes).toEqual(['dead', 'applied']);
  });
});
