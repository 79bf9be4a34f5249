import { describeBroker, eventually, Seen, sendAll } from '@order-events/testing';
import { TestKafka } from '../test/kafka';
import { byNumber } from './assigner';
import { Client } from './client';
import { clientIdOf } from './removal';

/** Longer than a test may take: what happens in one happens not because a session has run out. */
const LONG_SESSION_MS = 900_000;

describeBroker('kafka', () => {
  let kafka: TestKafka;
  beforeEach(async () => {
    kafka = await TestKafka.shared();
  });
  afterEach(() => kafka.close());

  /** A member of a process that is killed as soon as it has got all of `things`. */
  async function killedMember(process: string): Promise<void> {
    const applicationName = clientIdOf({ applicationName: 'test', brokers: kafka.brokers }, process);
    const client = new Client({ applicationName, brokers: kafka.brokers });
    const consumer = client.kafka.consumer({
      ...{ groupId: `${kafka.prefix}g`, partitionAssigners: [byNumber], sessionTimeout: LONG_SESSION_MS },
      ...{ rebalanceTimeout: LONG_SESSION_MS, allowAutoTopicCreation: false },
    });
    let joined = () => {};
    const isMember = new Promise<void>((resolve) => (joined = resolve));
    consumer.on(consumer.events.GROUP_JOIN, () => joined());
    await consumer.connect();
    await consumer.subscribe({ topics: [`${kafka.prefix}things`], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    await isMember;
    client.end();
    await consumer.stop();
  }

  test('the members of processes that have died are taken out of the group, and others get what was theirs at once', async () => {
    const transport = await kafka.declared();
    await killedMember('dead-1');
    const seen = new Seen();
    const subscription = await kafka.subscribe(seen.handle, { process: 'alive' });
    await sendAll(transport, 0, 60);
    await transport.release('g', ['somebody', 'dead-1', 'dead-2']);
    await eventually(() => seen.distinct === 60);
    // Nobody is there to be taken out any more.
    await transport.release('g', ['dead-1']);
    await sendAll(transport, 60, 20);
    await eventually(() => seen.distinct === 80);
    await subscription.close();
    expect(seen.total).toBe(80);
    expect(kafka.removed).toEqual([]);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('one that lives joins again by itself, says so, and nothing is lost; only what it had in hand comes again', async () => {
    const transport = await kafka.declared();
    const [seen, inHand] = [new Seen(), new Seen()];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const subscription = await kafka.subscribe(
      async (batch) => {
        if (seen.total === 0) await inHand.handle(batch);
        await finished;
        await seen.handle(batch);
      },
      { process: 'alive', parallel: 1 },
    );
    await sendAll(transport, 0, 60);
    await eventually(() => inHand.total > 0);
    await transport.release('g', ['alive']);
    // It hears of it with its next heartbeat.
    await eventually(() => kafka.removed.length > 0);
    finish();
    await eventually(() => seen.distinct === 60);
    await sendAll(transport, 60, 20);
    await eventually(() => seen.distinct === 80);
    await subscription.close();
    expect(kafka.removed).toEqual([`${kafka.prefix}g`]);
    expect(kafka.told('not aware of this member')).toBe(false);
    // What was in hand comes again.
    expect(seen.total - 80).toBeLessThanOrEqual(60);
    expect(await transport.backlog('g')).toBe(0);
  });
});
