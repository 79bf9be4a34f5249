import { StoreError } from '../index';
import { Counting, reserved } from '../../test/counting';

const OLD = '018f0000-0000-7000-8000-000000000001';
const HORIZON = '018f0000-0000-7000-8000-000000000002';

let service: Counting;
beforeEach(() => {
  service = new Counting();
});

test('an event from before the horizon is expired and never handled; those beside it are', async () => {
  service.database.horizon = HORIZON;
  const batch = [reserved('o1', OLD), reserved('o1'), reserved('o2', OLD.toUpperCase()), reserved('o2')];
  await service.pipeline().handle(batch);
  expect(service.notes.outcomes).toEqual(['expired', 'applied', 'duplicate', 'applied']);
  expect(await service.states([batch[0]!])).toEqual(['expired']);
  expect([await service.count('o1'), await service.count('o2')]).toEqual([1, 1]);
  expect(service.published).toHaveLength(2);
  await service.pipeline().handle([batch[0]!]);
  expect(service.notes.outcomes.at(-1)).toBe('duplicate');
  expect(service.notes.errors).toEqual([]);
});

test('what was taken in before is known, however old it is: it is not applied twice, and is tried again', async () => {
  const [applied, failing] = [reserved('o1', OLD), reserved('bad', OLD.replace(/1$/, '0'))];
  service.meddle = ({ subject }) => {
    if (subject === 'bad') throw new Error('not yet');
  };
  const pipeline = service.pipeline();
  await pipeline.handle([applied, failing]);
  service.database.horizon = HORIZON;
  service.meddle = () => {};
  service.runtime.pass(200);
  await pipeline.handle([applied, failing]);
  expect(await pipeline.retryDue()).toBe(1);
  expect(service.notes.outcomes).toEqual(['applied', 'retrying', 'duplicate', 'duplicate', 'applied']);
  expect([await service.count('o1'), await service.count('bad')]).toEqual([1, 1]);
});

test('an event that is too old is expired also when its transaction is refused, and no dead letter', async () => {
  service.database.horizon = HORIZON;
  service.store.refusals.push(new StoreError('rejected', 'it cannot be locked'));
  const message = reserved('o1', OLD);
  await service.pipeline().handle([message]);
  expect(await service.states([message])).toEqual(['expired']);
  expect(service.notes.outcomes).toEqual(['expired']);
});
