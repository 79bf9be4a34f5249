import { topics, topology, type Service, type Topic } from '@order-events/contracts';
import { AuditedSystem } from '../../test/audited-system';
import type { Message } from '../ports/transport';

const MINUTE = 60_000;
let system: AuditedSystem;
beforeEach(async () => {
  system = new AuditedSystem();
  await system.setUp();
});
afterEach(() => system.stop());

/** Loses the first so many messages that the group would get. */
function loseFirst(count: number, which: (message: Message, group: string) => boolean): { readonly left: number } {
  const loss = { left: count };
  system.broker.loses = (message, group) => which(message, group) && loss.left > 0 && loss.left-- > 0;
  return loss;
}
const of = (topic: string, group?: Service) => (message: Message, to: string) =>
  message.topic === topic && (group === undefined || to === group);
const copies = (ids: readonly string[]) =>
  system.broker.published.filter(({ headers }) => ids.includes(headers['ce-id']!));
const later = async (ms: number) => {
  const end = system.runtime.elapsed() + ms;
  await system.until(() => system.runtime.elapsed() >= end);
};

const edges = topics.flatMap((topic) => topology[topic].consumers.map((group) => [topic, group] as const));

test.each(edges)('one %s that is lost on its way to %s comes again, with nothing after it', async (topic, group) => {
  const { publisher } = topology[topic];
  await Promise.all([system.start(publisher), system.start(group)]);
  const loss = loseFirst(1, of(topic, group));
  const id = await system.publish(topic);
  await system.until(() => system.holds(group, [id]));
  await system.until(() => system.isVerified(publisher, group));
  expect(loss.left).toBe(0);
  const [first, again, ...more] = copies([id]);
  expect(more).toEqual([]);
  expect(again).toEqual({ ...first, headers: { ...first!.headers, 'ce-resend': '1' } });
  expect(system.notes.sums).toMatchObject({ missing: 1, resent: 1 });
  expect(system.notes.errors).toEqual([]);
});

/** Publishes so many events, one in every so many milliseconds. */
async function flow(topic: Topic, count: number, everyMs: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    ids.push(await system.publish(topic, `o${n}`));
    await later(everyMs);
  }
  return ids;
}

test('while one in ten is lost on a busy edge, whatever it is, every event arrives', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  let n = 0;
  system.broker.loses = () => ++n % 10 === 0;
  const ids = await flow('order.created', 600, 200);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.notes.errors).toEqual([]);
});

test('what comes after it and is handled is enough to know that an event is lost, however busy the group is', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  system.broker.delays.set('email', 10_000);
  loseFirst(1, of('order.created', 'email'));
  const [lost] = await flow('order.created', 120, 1_000);
  expect(copies([lost!]).map(({ headers }) => headers['ce-resend'])).toEqual([undefined, '1']);
  expect(system.notes.sums.resent).toBe(1);
});

test('a group that is an hour behind is asked now and then, and sent nothing twice', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  system.broker.delays.set('email', 60 * MINUTE);
  const ids = await flow('order.created', 300, 20_000);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(copies(ids)).toHaveLength(ids.length);
  expect(system.notes.sums.resent).toBe(0);
  const questions = system.broker.published.filter(({ topic }) => topic === 'audit.email').length;
  expect(questions).toBeLessThan(system.runtime.elapsed() / 10_000);
});

test('of very many that are lost at once no more come again than the budget allows', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  const lost = 2_500;
  loseFirst(lost, of('order.created', 'email'));
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

test('questions and answers that get lost are asked again', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  const [event, question, answer] = [loseFirst(1, of('order.completed', 'email')), { left: 3 }, { left: 2 }];
  const { loses } = system.broker;
  system.broker.loses = (message, group) =>
    loses(message, group) ||
    (message.topic === 'audit.email' && question.left > 0 && question.left-- > 0) ||
    (message.topic === 'audited.order-api' && answer.left > 0 && answer.left-- > 0);
  const id = await system.publish('order.completed');
  await system.until(() => system.holds('email', [id]));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect([event.left, question.left, answer.left]).toEqual([0, 0, 0]);
  expect(copies([id])).toHaveLength(2);
});

test('an answer that reaches another replica than the one that asked counts all the same', async () => {
  const asking = { consumes: false, publishes: true, audits: true };
  await system.start('order-api', asking);
  await system.start('email');
  await system.start('order-api', { consumes: true, publishes: false, audits: false });
  loseFirst(1, of('order.completed', 'email'));
  const id = await system.publish('order.completed');
  await system.until(() => system.holds('email', [id]));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.notes.sums.resent).toBe(1);
});

test('two replicas of each: one asks, and each lost event comes again once', async () => {
  await Promise.all((['order-api', 'order-api', 'email', 'email'] as const).map((service) => system.start(service)));
  loseFirst(3, of('order.created', 'email'));
  const ids = await flow('order.created', 20, 1_000);
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.notes.sums).toMatchObject({ missing: 3, resent: 3 });
});

test('when the replica that has asked dies, another goes on', async () => {
  const first = await system.start('order-api');
  const id = await system.publish('order.completed');
  loseFirst(1, of('order.completed', 'email'));
  await system.until(() => system.broker.published.some(({ topic }) => topic === 'audit.email'));
  await first.kill();
  await Promise.all([system.start('order-api'), system.start('email')]);
  await system.until(() => system.holds('email', [id]));
  await system.until(() => system.isVerified('order-api', 'email'));
});

test('what a replica knew to be missing when it died, the next finds out anew', async () => {
  const [first] = await Promise.all([system.start('order-api'), system.start('email')]);
  const loss = loseFirst(2, of('order.completed', 'email'));
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
  const ids = await flow('order.created', 10, 1_000);
  await later(180 * MINUTE);
  expect(copies(ids)).toHaveLength(10);
  expect(await system.isVerified('order-api', 'email')).toBe(false);
  const questions = system.broker.published.filter(({ topic }) => topic === 'audit.email').length;
  expect(questions).toBeLessThan(30);
  await system.start('email');
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(copies(ids)).toHaveLength(10);
});

test('nobody is asked about what is not published yet', async () => {
  await Promise.all([system.start('order-api', { publishes: false }), system.start('email')]);
  const ids = await flow('order.created', 10, 1_000);
  await later(60 * MINUTE);
  expect(system.broker.published).toEqual([]);
  await system.start('order-api', { audits: false, consumes: false });
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(copies(ids)).toHaveLength(10);
});

test('after the restore of a group from an older dump the audit is set back, and what the dump lacks comes again', async () => {
  await Promise.all([system.start('order-api'), system.start('email')]);
  const old = await flow('order.created', 5, 1_000);
  const since = system.runtime.elapsed();
  const ids = await flow('order.created', 30, 1_000);
  await system.until(() => system.isVerified('order-api', 'email'));
  for (const id of ids) system.inbox('email').delete(`email ${id}`);
  await later(10 * MINUTE);
  expect(system.holds('email', ids)).toBe(false);
  await system.store('order-api').audit.again('email', new Date(since));
  await system.until(() => system.holds('email', ids));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(copies(ids)).toHaveLength(60);
  expect(copies(old)).toHaveLength(5);
});

test('what the broker has refused is a dead letter of the relay, and not missing', async () => {
  await Promise.all([system.start('order-api', { publishes: false }), system.start('email')]);
  const id = await system.publish('order.created');
  const store = system.store('order-api');
  const relay = store.outbox();
  await relay.lease(MINUTE);
  const [record] = await relay.page(10);
  await relay.commit([{ record: record!, error: 'too large' }]);
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(copies([id])).toEqual([]);
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
  loseFirst(1, of('order.created', 'email'));
  const id = await system.publish('order.created');
  await system.until(() => system.holds('email', [id]));
});
