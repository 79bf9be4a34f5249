import { describeBroker, eventually, member, Seen, sendAll } from '@order-events/testing';
import { ProxiedBroker } from '../test/proxied-broker';
import { KafkaTransport } from './transport';

/** Longer than a test may take: what happens in one happens not because a session has run out, or a rebalance has waited enough. */
jest.mock('./topology', () => ({
  ...jest.requireActual<object>('./topology'),
  SESSION_MS: 1_500_000,
  REBALANCE_MS: 1_500_000,
}));

describeBroker('kafka', () => {
  let kafka: ProxiedBroker;
  beforeAll(async () => {
    kafka = await ProxiedBroker.start();
  });
  afterAll(() => kafka.remove());

  test.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
    ['cannot reach the broker any more', () => kafka.proxy.refuse(), () => kafka.proxy.heal()],
    ['is there when the broker is killed', () => kafka.broker.kill(), () => kafka.broker.start()],
  ])('a member that %s is none when it comes back, and the group does not wait for it', async (_, ends, begins) => {
    const errors: Error[] = [];
    const options = { applicationName: 'test', prefix: `${crypto.randomUUID()}.` };
    const onError = (error: Error) => void errors.push(error);
    const publisher = new KafkaTransport({ ...options, brokers: kafka.direct, onError: () => {} });
    const consumer = new KafkaTransport({ ...options, brokers: kafka.throughProxy, onError });
    await publisher.declare([{ topic: 'things', groups: ['g'] }]);
    const seen = new Seen();
    const subscription = await member(consumer, seen.handle);
    await sendAll(publisher, 0, 20);
    await eventually(() => seen.distinct === 20);
    await ends();
    // It has been given up, could not leave, and does not reach the broker for another one either.
    const told = errors.length;
    await eventually(() => errors.length > told + 20);
    await begins();
    await sendAll(publisher, 20, 20);
    await eventually(() => seen.distinct === 40);
    await subscription.close();
    await Promise.all([publisher.close(), consumer.close()]);
  });
});
