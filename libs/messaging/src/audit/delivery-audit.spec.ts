import { topics, topology } from '@order-events/contracts';
import { AuditedSystem } from '../../test/audited-system';
import { of } from '../../test/lossy-broker';
import { PAGE_BYTES } from '../index';

const MINUTE = 60_000;
let system: AuditedSystem;
beforeEach(async () => {
  system = new AuditedSystem();
  await system.setUp();
});
afterEach(() => system.stop());

const edges = topics.flatMap((topic) => topology[topic].consumers.map((group) => [topic, group] as const));

test.each(edges)('one %s that is lost on its way to %s comes again, with nothing after it', async (topic, group) => {
  const { publisher } = topology[topic];
  await Promise.all([system.start(publisher), system.start(group)]);
  const loss = system.broker.loseFirst(1, of(topic, group));
  const id = await system.publish(topic);
  await system.until(() => system.holds(group, [id]));
  await system.until(() => system.isVerified(publisher, group));
  expect(loss.left).toBe(0);
  const [first, again, ...more] = system.broker.copies([id]);
  expect(more).toEqual([]);
  expect(again).toEqual({ ...first, headers: { ...first!.headers, 'ce-resend': '1' } });
  expect(system.notes.sums).toMatchObject({ missing: 1, resent: 1 });
  expect(system.notes.errors).toEqual([]);
});

test('what the broker does not take again now is told of, and sent again later', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  system.takesResends = false;
  system.broker.loseFirst(1, of('order.created', 'email'));
  const id = await system.publish('order.created');
  await system.until(() => system.notes.errors.includes('not now'));
  expect(system.notes.sums.resent).toBe(0);
  system.takesResends = true;
  await system.until(() => system.holds('email', [id]));
  expect(system.notes.sums).toMatchObject({ missing: 1, resent: 1 });
});

test('while one in ten is lost on a busy edge, whatever it is, every event arrives', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  let n = 0;
  system.broker.loses = () => ++n % 10 === 0;
  const ids = await system.flow('order.created', 600, 200);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.notes.errors).toEqual([]);
});

test('of very many that are lost at once no more come again than the budget allows', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  const lost = 2_500;
  system.broker.loseFirst(lost, of('order.created', 'email'));
  const ids = await Promise.all(Array.from({ length: lost }, (_, n) => system.publish('order.created', `o${n}`)));
  const resent: number[] = [];
  await system.until(() => {
    const second = Math.floor(system.runtime.elapsed() / 1_000);
    resent[second] = system.notes.sums.resent;
    return system.holds('email', ids);
  });
  expect(system.notes.sums).toMatchObject({ missing: lost, resent: lost });
  const first = resent.findIndex((sum) => sum > 0);
  for (const [second, sum = 0] of resent.entries()) {
    expect(sum).toBeLessThanOrEqual(600 + 20 * Math.max(0, second - first + 1));
  }
});

test('of large events that are lost no more are held in memory than two pages have bytes; in the end all come', async () => {
  const bytes = PAGE_BYTES / 4;
  await Promise.all([system.start('logistics'), system.start('order-api')]);
  system.takesResends = false;
  system.broker.loseFirst(20, of('shipment.failed', 'order-api'));
  const ids: string[] = [];
  for (let n = 0; n < 20; n++) {
    const order = `o${n}`;
    ids.push(await system.publish('shipment.failed', order, { order_id: order, reason: 'x'.repeat(bytes) }));
  }
  await system.until(() => system.notes.errors.length >= 10);
  expect(system.notes.sums.missing).toBeGreaterThan(0);
  expect(system.notes.sums.missing).toBeLessThanOrEqual(8);
  system.takesResends = true;
  await system.until(() => system.holds('order-api', ids));
  await system.until(() => system.isVerified('logistics', 'order-api'));
  expect(system.notes.sums).toMatchObject({ missing: 20, resent: 20 });
});

test('questions and answers that get lost are asked again', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  const [event, question, answer] = [
    system.broker.loseFirst(1, of('order.completed', 'email')),
    { left: 3 },
    { left: 2 },
  ];
  const { loses } = system.broker;
  system.broker.loses = (message, group) =>
    loses(message, group) ||
    (message.topic === 'audit.email' && question.left > 0 && question.left-- > 0) ||
    (message.topic === 'audited.order-api' && answer.left > 0 && answer.left-- > 0);
  const id = await system.publish('order.completed');
  await system.until(() => system.holds('email', [id]));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect([event.left, question.left, answer.left]).toEqual([0, 0, 0]);
  expect(system.broker.copies([id])).toHaveLength(2);
});

test('an answer that reaches another replica than the one that asked counts all the same', async () => {
  const asking = { consumes: false, publishes: true, audits: true };
  await system.start('order-api', asking);
  await system.start('email');
  await system.start('order-api', { consumes: true, publishes: false, audits: false });
  system.broker.loseFirst(1, of('order.completed', 'email'));
  const id = await system.publish('order.completed');
  await system.until(() => system.holds('email', [id]));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.notes.sums.resent).toBe(1);
});

test('two replicas of each: one asks, and each lost event comes again once', async () => {
  await Promise.all((['order-api', 'order-api', 'email', 'email'] as const).map((service) => system.start(service)));
  system.broker.loseFirst(3, of('order.created', 'email'));
  const ids = await system.flow('order.created', 20, 1_000);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.notes.sums).toMatchObject({ missing: 3, resent: 3 });
});

test('when the replica that has asked dies, another goes on', async () => {
  const first = await system.start('order-api');
  const id = await system.publish('order.completed');
  system.broker.loseFirst(1, of('order.completed', 'email'));
  await system.until(() => system.broker.published.some(({ topic }) => topic === 'audit.email'));
  await first.kill();
  await Promise.all([system.start('order-api'), system.start('email')]);
  await system.until(() => system.holds('email', [id]));
  await system.until(() => system.isVerified('order-api', 'email'));
});

test('what a replica knew to be missing when it died, the next finds out anew', async () => {
  const [first] = await Promise.all([system.start('order-api'), system.start('email')]);
  const loss = system.broker.loseFirst(2, of('order.completed', 'email'));
  const id = await system.publish('order.completed');
  await system.until(() => system.notes.sums.resent === 1);
  await first.kill();
  expect([loss.left, system.holds('email', [id])]).toEqual([0, false]);
  await system.start('order-api');
  await system.until(() => system.holds('email', [id]));
  expect(system.notes.sums.missing).toBe(2);
});

test('a group that is down is waited for', async () => {
  await system.start('order-api');
  const ids = await system.flow('order.created', 10, 1_000);
  await system.later(180 * MINUTE);
  expect(system.broker.copies(ids)).toHaveLength(10);
  expect(await system.isVerified('order-api', 'email')).toBe(false);
  const questions = system.broker.published.filter(({ topic }) => topic === 'audit.email').length;
  expect(questions).toBeLessThan(30);
  await system.start('email');
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies(ids)).toHaveLength(10);
});

test('nobody is asked about what is not published yet', async () => {
  await Promise.all([system.start('order-api', { publishes: false }), system.start('email')]);
  const ids = await system.flow('order.created', 10, 1_000);
  await system.later(60 * MINUTE);
  expect(system.broker.published).toEqual([]);
  await system.start('order-api', { audits: false, consumes: false });
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies(ids)).toHaveLength(10);
});

test('after the restore of a group from an older dump the audit is set back, and what the dump lacks comes again', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  const old = await system.flow('order.created', 5, 1_000);
  const since = system.runtime.elapsed();
  const ids = await system.flow('order.created', 30, 1_000);
  await system.until(() => system.isVerified('order-api', 'email'));
  for (const id of ids) system.inbox('email').delete(`email ${id}`);
  await system.later(10 * MINUTE);
  expect(system.holds('email', ids)).toBe(false);
  await system.store('order-api').audit.again('email', new Date(since));
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies(ids)).toHaveLength(60);
  expect(system.broker.copies(old)).toHaveLength(5);
});

test('of a topic that is replayed a group that is new gets all that it lacks, others nothing, and nobody anything twice', async () => {
  await Promise.all([system.start('order-api'), system.start('payment'), system.start('email')]);
  const created = await system.flow('order.created', 700, 10);
  const confirmed = await system.flow('order.confirmed', 5, 10);
  const all = [...created, ...confirmed];
  for (const group of ['payment', 'email'] as const) await system.until(() => system.isVerified('order-api', group));
  // As if it had never been there.
  system.inbox('email').clear();
  expect(await system.store('order-api').audit.replay('email', 'order.created', new Date(0))).toBe('begun');
  await system.until(() => system.holds('email', created));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.holds('email', confirmed.slice(0, 1))).toBe(false);
  expect(system.broker.copies(created)).toHaveLength(1_400);
  expect(system.broker.copies(confirmed)).toHaveLength(5);
  expect(system.holds('payment', all)).toBe(true);
  // Of each inbox: whatever came twice was a duplicate there.
  expect(system.notes.outcomes.filter((outcome) => outcome === 'duplicate')).toHaveLength(700);
});

test('what is no question, and what is no answer, is told of and harms nobody', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  const body = Buffer.from('{}');
  const headers = { 'content-type': 'application/json', 'ce-specversion': '1.0' };
  system.broker.publish(['audit.email', 'audited.order-api'].map((topic) => ({ topic, key: topic, headers, body })));
  await system.until(() => system.notes.errors.length === 2);
  expect(system.notes.errors).toEqual(
    Array(2).fill(expect.stringContaining('audit messages: not a CloudEvent of ours')),
  );
  system.broker.loseFirst(1, of('order.created', 'email'));
  const id = await system.publish('order.created');
  await system.until(() => system.holds('email', [id]));
});
