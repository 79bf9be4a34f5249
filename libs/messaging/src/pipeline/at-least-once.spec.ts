import fc from 'fast-check';
import { AtLeastOnce, StoreError, type Message } from '../index';
import { Counting, reserved } from '../../test/counting';

const TOPICS = new Set(['inventory.reserved']);
const [OLD, HORIZON] = ['018f0000-0000-7000-8000-000000000001', '018f0000-0000-7000-8000-000000000002'];
const saying = (perhaps: boolean) => ({ add: () => {}, mayHold: () => perhaps });

let service: Counting;
beforeEach(() => {
  service = new Counting();
  service.atLeastOnce = new AtLeastOnce(TOPICS);
});

/** A process that has just started: it has the database, and knows nothing. */
function another(older?: ConstructorParameters<typeof AtLeastOnce>[1]) {
  service.atLeastOnce = new AtLeastOnce(TOPICS, older);
  return service.pipeline(service.process());
}

test('what is applied leaves no row; a copy counts once in this process, and again in another', async () => {
  const message = reserved('o1');
  const pipeline = service.pipeline();
  await pipeline.handle([message, message]);
  await pipeline.handle([message]);
  expect(service.notes.outcomes).toEqual(['applied', 'duplicate', 'duplicate']);
  expect(await service.states([message])).toEqual([undefined]);
  await another().handle([message]);
  expect(await service.count('o1')).toBe(2);
});

test('it is known when it is committed, and not before', async () => {
  const message = reserved('o1');
  service.store.refusals.push(new StoreError('unavailable', 'the database is away'));
  const pipeline = service.pipeline();
  const leaving = AbortSignal.abort();
  await expect(pipeline.handle([message], leaving)).rejects.toThrow('waiting for the database');
  await pipeline.handle([message]);
  expect(service.notes.outcomes).toEqual(['applied']);
  expect(await service.count('o1')).toBe(1);
});

test('what cannot be decided waits in the inbox, and a copy of it is passed over by whoever looks there', async () => {
  const message = reserved('bad');
  service.meddle = () => {
    throw new Error('not yet');
  };
  await service.pipeline().handle([message, message]);
  expect(await service.states([message])).toEqual(['retrying']);
  // Nobody says that it may have been there before, so it is not looked for.
  await another(saying(false)).handle([message]);
  await another(saying(true)).handle([message]);
  expect(service.notes.outcomes).toEqual(['retrying', 'duplicate', 'retrying', 'duplicate']);
  service.meddle = () => {};
  service.runtime.pass(400);
  expect(await another().retryDue()).toBe(1);
  expect(await service.count('bad')).toBe(1);
});

test('after an unclean exit each is tried alone, and then has a row', async () => {
  const batch = [reserved('o1'), reserved('o2', OLD)];
  service.database.horizon = HORIZON!;
  await service.pipeline(service.store, { isOn: true }).handle(batch);
  expect(service.notes.outcomes).toEqual(['applied', 'applied']);
  expect(await service.states(batch)).toEqual(['applied', 'applied']);
});

test.each([
  ['perhaps', saying(true)],
  ['never', saying(false)],
])('nothing is lost by a filter that always says %s, whatever comes again and however old it is', async (_, older) => {
  const orders = fc.array(fc.constantFrom('o1', 'o2', 'o3'), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(orders, fc.infiniteStream(fc.nat()), async (names, dice) => {
      service = new Counting();
      service.database.horizon = HORIZON!;
      const messages = names.map((name, n) =>
        reserved(name, n % 3 === 0 ? `${OLD.slice(0, -2)}0${n % 10}` : undefined),
      );
      const distinct = new Set(messages.map(idOf)).size;
      const handled = new Set<string>();
      service.meddle = ({ id }) => {
        if (dice.next().value! % 4 === 0) throw new Error('not now');
        handled.add(id);
      };
      for (const copies of [messages, messages]) {
        const pipeline = another(older);
        for (let rest = [...copies, ...copies]; rest.length > 0;)
          await pipeline.handle(rest.splice(0, 1 + (dice.next().value! % 5)));
      }
      service.meddle = ({ id }) => void handled.add(id);
      for (let rounds = 0; rounds < 20; rounds++) {
        service.runtime.pass(300_000);
        await another(older).retryDue();
      }
      expect(handled.size).toBe(distinct);
    }),
    { numRuns: 50 },
  );
});

const idOf = ({ headers }: Message) => headers['ce-id']!;
