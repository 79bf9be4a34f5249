import { topology, type Consuming, type Delivery } from '@order-events/contracts';
import { encode, systemRuntime } from '@order-events/messaging';
import { eventually, freePort, orderBody } from '@order-events/testing';
import { Child } from '../../test/child';
import { counted, inWorlds, publish, start, TOKEN, world } from '../../test/operated-services';

inWorlds();

const children: Child[] = [];
afterEach(() => {
  for (const { process } of children.splice(0)) process.kill('SIGKILL');
  jest.restoreAllMocks();
});

async function startChild(DELIVERY: Delivery, DIES = 'never'): Promise<Child> {
  const databases = { DATABASE_URL: world.own.url, EVENTS_DATABASE_URL: world.events.url };
  const OPERATOR_PORT = String(await freePort());
  const child = new Child('dying.ts', [], { ...databases, OPERATOR_TOKEN: TOKEN, OPERATOR_PORT, DELIVERY, DIES });
  children.push(child);
  return child;
}

const completed = (order: string) => {
  const data = { ...orderBody(order), carrier: 'c', tracking_number: 't' };
  const event = { type: 'order.completed', subject: order, sequence: 1, data } as const;
  return encode(event, systemRuntime.eventId(), { source: '/order-api' });
};

describe('a process is killed, and another goes on:', () => {
  test.each<[Delivery, 'before' | 'after', number]>([
    ['at-most-once', 'before', 0],
    ['at-most-once', 'after', 1],
    ['at-least-once', 'before', 1],
    ['at-least-once', 'after', 2],
    ['effectively-once', 'before', 1],
    ['effectively-once', 'after', 1],
  ])('%s, killed %s its decision is committed, is handled %i times', async (delivery, dies, times) => {
    const group = delivery === 'at-most-once' ? 'email.at-most-once' : 'email';
    await world.outside.declare([{ topic: 'order.completed', groups: [group] }]);
    await publish(completed('o1'));
    const first = await startChild(delivery, dies);
    await eventually(() => {
      if (first.process.exitCode !== null) throw new Error(`it ended by itself: ${first.stderr}`);
      return first.process.signalCode === 'SIGKILL';
    });
    const next = await startChild(delivery);
    await next.says('ready');
    // What is acknowledged, and what was handled, is not there any more.
    await eventually(async () => (await world.outside.backlog(group)) === 0);
    await publish(completed('o2'));
    await eventually(async () => (await world.outside.backlog(group)) === 0);
    const expected = new Map([...(times > 0 ? [['o1', times] as const] : []), ['o2', 1]]);
    // What was in the way of somebody else may have to wait a moment.
    await eventually(async () => (await counted()).size >= expected.size);
    expect(await counted()).toEqual(expected);
  });
});

test('no service starts with a weak delivery of what is essential', async () => {
  const subscriptions: { logistics?: Consuming } = topology['order.paid'].subscriptions;
  jest.replaceProperty(subscriptions, 'logistics', {
    essential: true,
    delivery: 'at-least-once',
  } as unknown as Consuming);
  await expect(start()).rejects.toThrow('order.paid to logistics (at-least-once)');
});
