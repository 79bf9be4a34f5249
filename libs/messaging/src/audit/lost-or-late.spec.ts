import { AuditedSystem } from '../../test/audited-system';
import { of } from '../../test/lossy-broker';

const MINUTE = 60_000;
let system: AuditedSystem;
beforeEach(async () => {
  system = new AuditedSystem();
  await system.setUp();
});
afterEach(() => system.stop());

test('what comes after it and is handled is enough to know that an event is lost, however busy the group is', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  system.broker.delays.set('email', 10_000);
  system.broker.loseFirst(1, of('order.created', 'email'));
  const [lost] = await system.flow('order.created', 120, 1_000);
  expect(system.broker.copies([lost!]).map(({ headers }) => headers['ce-resend'])).toEqual([undefined, '1']);
  expect(system.notes.sums.resent).toBe(1);
});

test('while the broker does not say how much waits, what comes after it is still enough, and it is told of', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  system.broker.silent.add('email');
  system.broker.loseFirst(1, of('order.created', 'email'));
  const ids = await system.flow('order.created', 120, 1_000);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.notes.sums.resent).toBe(1);
  expect(new Set(system.notes.errors)).toEqual(new Set(['audit backlog: the broker does not say']));
});

test('after an hour without a broker, what is still on its way is not lost because something younger has arrived', async () => {
  await Promise.all([system.start('order-api', { publishes: false }), system.start('email')]);
  const id = await system.publish('order.created', 'early');
  await system.later(60 * MINUTE);
  system.broker.delays.set('email', 20 * MINUTE);
  await system.start('order-api', { audits: false, consumes: false });
  await system.until(() => system.broker.copies([id]).length > 0);
  system.broker.delays.delete('email');
  const younger = await system.publish('order.created', 'younger');
  await system.until(() => system.holds('email', [younger]));
  await system.until(() => system.holds('email', [id]));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies([id, younger])).toHaveLength(2);
});

test('a copy is given as long to arrive as the first one was', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  system.broker.delays.set('email', 60 * MINUTE);
  await system.publish('order.created', 'ahead');
  await system.until(() => system.broker.underWay('email') === 1);
  system.broker.loseFirst(1, of('order.created', 'email'));
  const ids = await system.flow('order.created', 100, 80_000);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies(ids)).toHaveLength(ids.length + 1);
});

test('a group that is an hour behind is asked now and then, and sent nothing twice', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  system.broker.delays.set('email', 60 * MINUTE);
  const ids = await system.flow('order.created', 300, 20_000);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies(ids)).toHaveLength(ids.length);
  expect(system.notes.sums.resent).toBe(0);
  const questions = system.broker.published.filter(({ topic }) => topic === 'audit.email').length;
  expect(questions).toBeLessThan(system.runtime.elapsed() / 10_000);
});

describe('where nobody sees what other processes have in hand', () => {
  beforeEach(async () => {
    system.unseenHands = true;
    await Promise.all([system.start('order-api'), system.start('email')]);
  });

  test('what one keeps is not lost because the others have nothing to do', async () => {
    system.broker.delays.set('email', 3 * MINUTE);
    const id = await system.publish('order.completed');
    await system.until(() => system.isVerified('order-api', 'email'));
    expect(system.broker.copies([id])).toHaveLength(1);
  });

  test('nor if it was given back meanwhile, to be kept once more', async () => {
    system.broker.delays.set('email', 10 * MINUTE);
    const id = await system.publish('order.completed');
    await system.later(2 * MINUTE);
    system.broker.silent.add('email');
    await system.later(3 * MINUTE);
    system.broker.silent.delete('email');
    await system.until(() => system.isVerified('order-api', 'email'));
    expect(system.broker.copies([id])).toHaveLength(1);
  });

  test('what is lost comes again all the same, with nothing after it', async () => {
    system.broker.loseFirst(2, of('order.completed', 'email'));
    const id = await system.publish('order.completed');
    await system.until(() => system.isVerified('order-api', 'email'));
    expect(system.notes.sums).toMatchObject({ missing: 1, resent: 2 });
    expect(system.broker.copies([id])).toHaveLength(3);
  });
});
