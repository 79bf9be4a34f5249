import { MemoryTransport } from '@order-events/transport-memory';
import { AuditedSystem } from '../../test/audited-system';
import { of } from '../../test/lossy-broker';
import { asPublished } from '../cloud-events';
import type { LogRecord } from '../ports/store';
import { publishRefused, RELAY } from '../refused';

const MINUTE = 60_000;
let system: AuditedSystem;
beforeEach(async () => {
  system = new AuditedSystem();
  await system.setUp();
});
afterEach(() => system.stop());

const store = () => system.store('order-api');

/** Appends an event that the broker refuses, and leaves it as the relay does: a dead letter, and the place behind it. */
async function refuse(): Promise<LogRecord> {
  await system.publish('order.created');
  const relay = store().outbox();
  await relay.lease(MINUTE);
  const [record] = await relay.page(10);
  await relay.commit([{ record: record!, error: 'too large' }]);
  await relay.release();
  return record!;
}

/** Brings it back, as an operator does, and publishes it once more. */
async function redrive(record: LogRecord): Promise<void> {
  const failure = { message: asPublished(record), error: 'too large', attempts: 1, delayMs: 0 };
  await store().transact((tx) => tx.take('relay', [{ ...record, state: 'retrying', failure }]));
  const { broker, runtime, notes } = system;
  const transport = new MemoryTransport({ broker, runtime, onError: (error) => notes.errors.push(error.message) });
  expect(await publishRefused({ store: store(), transport, runtime, observer: notes, group: RELAY })).toBe(1);
}

test('what the broker has refused is a dead letter of the relay, and not missing', async () => {
  await Promise.all([system.start('order-api', { publishes: false }), system.start('email')]);
  const { id } = await refuse();
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies([id])).toEqual([]);
});

test('once an operator has had it published after all, it is missing like any other', async () => {
  await system.start('order-api', { publishes: false });
  const record = await refuse();
  await store().transact((tx) => tx.take('relay', [{ ...record, state: 'applied', retried: true }]));
  await system.start('email');
  await system.until(() => system.holds('email', [record.id]));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies([record.id])).toHaveLength(1);
});

test('what is published after all when the audit has gone past it, and is lost then, comes again', async () => {
  await Promise.all([system.start('order-api', { publishes: false }), system.start('email')]);
  const record = await refuse();
  await system.until(() => system.isVerified('order-api', 'email'));
  // The relay publishes it as well, where it stands in the outbox anew: only the audit's copy arrives.
  const loss = system.broker.loseFirst(2, of('order.created', 'email'));
  await redrive(record);
  expect(loss.left).toBe(1);
  await system.start('order-api', { audits: false, consumes: false });
  await system.until(() => system.holds('email', [record.id]));
  await system.until(() => system.isVerified('order-api', 'email'));
  expect(system.broker.copies([record.id])).toHaveLength(3);
});
