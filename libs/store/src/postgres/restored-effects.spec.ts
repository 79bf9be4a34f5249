import { OutboxDatabase } from '../../test/outbox-database';

let database: OutboxDatabase;
beforeEach(async () => (database = await OutboxDatabase.create()));
afterEach(() => database.close());

const call = (key: string) => ({ kind: 'test.call', key, idempotencyKey: `${key}.one`, input: {} });

/** Somebody has a call in hand when the database is restored, and another gets its number. */
async function restoredUnderneath() {
  const [living, other] = [database.store(), database.store()];
  await living.transact((tx) => tx.intend([call('forgotten')]));
  const [inHand] = await living.claimEffects(['test.call'], 10, 60_000);
  await database.sql('TRUNCATE effects RESTART IDENTITY');
  await other.transact((tx) => tx.intend([call('new')]));
  return { living, other, inHand: inHand! };
}

test('the answer to a call that a restored database has forgotten closes no other call', async () => {
  const { living, other, inHand } = await restoredUnderneath();
  expect(await living.transact((tx) => tx.closeEffects([inHand.id]))).toEqual(new Set());
  expect(await other.claimEffects(['test.call'], 10, 60_000)).toMatchObject([{ key: 'new' }]);
});

test('nor is it kept as the answer to another', async () => {
  const { living, other, inHand } = await restoredUnderneath();
  await living.deferEffect(inHand.id, 'Error: a bug', 0, { outcome: 'sent' });
  const [claimed] = await other.claimEffects(['test.call'], 10, 60_000);
  expect(claimed).toMatchObject({ key: 'new', attempts: 0 });
  expect(claimed).not.toHaveProperty('answer');
});
