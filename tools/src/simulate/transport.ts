import type { Capabilities, Message, Settlement, Subscribe, Subscription, Transport } from '@order-events/messaging';
import { isDeclared, type Broker, type Delivery, type Group } from './broker';
import type { Replica } from './replica';

/** The transport port on the simulated broker, as one process has it. */
export class SimulatedTransport implements Transport {
  readonly name: string;
  readonly capabilities: Capabilities;

  constructor(
    private readonly broker: Broker,
    private readonly replica: Replica,
  ) {
    const { name, order } = broker.profile;
    this.name = name;
    this.capabilities = { order: order === 'key' ? 'key' : 'none', maxBytes: Infinity };
  }

  /** The simulated broker reads the topology by itself. */
  declare(): Promise<void> {
    return Promise.resolve();
  }

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    const { broker, replica } = this;
    const open: Settlement = { stored: false, problem: 'unavailable', detail: 'the broker did not answer' };
    await replica.step('publish', `${batch.map(({ topic, key }) => `${topic} ${key}`).join(', ')}`);
    if (broker.away) return batch.map(() => open);
    broker.store(batch);
    await replica.step('published');
    return batch.map(({ topic }) => {
      if (!isDeclared(topic)) return { stored: false, problem: 'refused', detail: `nobody knows the topic ${topic}` };
      return broker.around.faults.happens('confirm lost', 0.1) ? open : { stored: true };
    });
  }

  subscribe(subscribe: Subscribe): Promise<Subscription> {
    if (subscribe.group === null) throw new Error('broadcasts are not simulated');
    if (subscribe.acknowledgeFirst) throw new Error('to acknowledge first is not simulated');
    const member = new Member(this.broker, this.broker.group(subscribe.group), subscribe, this.replica);
    return Promise.resolve({ close: () => member.close() });
  }

  backlog(group: string): Promise<number> {
    return Promise.resolve(this.broker.group(group).pending);
  }

  isConsumed(): Promise<boolean> {
    return Promise.reject(new Error('requests are not simulated'));
  }

  ping(): Promise<void> {
    return this.broker.away ? Promise.reject(new Error('the broker does not answer')) : Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** One member of a group. */
class Member {
  private readonly held = new Set<Delivery>();
  private readonly calls = new Set<Promise<void>>();
  private fetching = false;
  private closed = false;

  constructor(
    private readonly broker: Broker,
    private readonly group: Group,
    private readonly options: Subscribe,
    readonly replica: Replica,
  ) {
    group.members.add(this);
    replica.onEnd(() => this.leave());
    this.wake();
  }

  wake(): void {
    if (this.fetching || this.closed || this.broker.away) return;
    if (this.calls.size >= this.options.parallel || !this.group.waiting) return;
    this.fetching = true;
    void this.replica.step('fetch').then(() => {
      this.fetching = false;
      this.fetch();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.calls);
    this.leave();
  }

  /** The broker notices after a while, and gives to others what was in hand. */
  leave(): void {
    this.group.leave(this);
    this.group.giveBack([...this.held], this.broker.around.random.between(0, 3_000));
    this.held.clear();
  }

  private fetch(): void {
    const { batch, inFlight, parallel } = this.options;
    const { random } = this.broker.around;
    while (!this.closed && this.calls.size < parallel) {
      const inHand = new Set([...this.held].map(({ message }) => message.key));
      const limit = Math.min(batch, inFlight - this.held.size, 1 + random.below(8));
      const deliveries = this.group.take(limit, inHand);
      if (deliveries.length === 0) return;
      const call = this.hand(deliveries).then(() => {
        this.calls.delete(call);
        this.wake();
      });
      this.calls.add(call);
    }
  }

  private async hand(deliveries: readonly Delivery[]): Promise<void> {
    const { random, faults } = this.broker.around;
    for (const delivery of deliveries) this.held.add(delivery);
    const acknowledged = await this.options.handle(deliveries.map(({ message }) => message)).then(
      () => true,
      () => false,
    );
    await this.replica.step('ack', acknowledged ? '' : 'refused');
    for (const delivery of deliveries) this.held.delete(delivery);
    const { away, profile } = this.broker;
    if (!acknowledged) this.group.giveBack(deliveries, 50);
    else if (!profile.fleeting && (away || faults.happens('ack lost', 0.08)))
      this.group.giveBack(deliveries, random.between(0, 5_000));
    else this.group.acknowledge(deliveries);
  }
}
