import { auditTopics, deadLetterTopic, topics, topology } from '@order-events/contracts';
import type { Message } from '@order-events/messaging';
import type { Profile } from './profiles';
import type { Replica, Surroundings } from './replica';

/** One message on its way to one group. */
export interface Delivery {
  message: Message;
  /** Deliveries of one lane stay in order. */
  lane: string;
  state: 'travels' | 'waits' | 'held';
}

/** The groups that each find a topic's messages, as setup declares them. */
const declared: ReadonlyMap<string, readonly string[]> = new Map([
  ...topics.map((topic) => [topic, topology[topic].consumers] as const),
  ...[...auditTopics, deadLetterTopic].map(({ topic, groups }) => [topic, groups] as const),
]);

export function isDeclared(topic: string): boolean {
  return declared.has(topic);
}

/** A simulated broker, which does to messages what its profile allows. */
export class Broker {
  away = false;
  private readonly groups = new Map<string, Group>();

  constructor(
    readonly profile: Profile,
    readonly around: Surroundings,
    /** Sees each message that it takes. */
    private readonly taken: (message: Message) => void,
    readonly note: (who: string, what: string) => void,
  ) {}

  group(name: string): Group {
    let group = this.groups.get(name);
    if (!group) this.groups.set(name, (group = new Group(name, this)));
    return group;
  }

  /** Keeps messages for every group that is declared for their topics. */
  store(messages: readonly Message[]): void {
    for (const message of messages) {
      this.taken(message);
      for (const group of declared.get(message.topic) ?? []) this.group(group).offer(message);
    }
  }

  setAway(away: boolean): void {
    this.away = away;
    if (away && this.profile.forgets) for (const group of this.groups.values()) group.forget();
    if (!away) for (const group of this.groups.values()) group.wake();
  }

  /** Messages that are not acknowledged yet. */
  get pending(): number {
    return [...this.groups.values()].reduce((sum, { pending }) => sum + pending, 0);
  }
}

/** A process's part in a group. */
interface Member {
  replica: Replica;
  wake(): void;
}

/** What one group has not acknowledged, oldest first. */
export class Group {
  readonly members = new Set<Member>();
  private deliveries: Delivery[] = [];
  private readonly acknowledged: Message[] = [];
  private count = 0;
  /** When the last delivery of a lane arrives: nothing of the lane may overtake it. */
  private readonly arrivals = new Map<string, number>();

  constructor(
    readonly name: string,
    private readonly broker: Broker,
  ) {}

  get pending(): number {
    return this.deliveries.length;
  }

  get waiting(): boolean {
    return this.deliveries.some(({ state }) => state === 'waits');
  }

  offer(message: Message): void {
    const { profile, around } = this.broker;
    const { random, faults } = around;
    if (!faults.healed && random.chance(profile.loses)) return this.lose(message);
    if (profile.fleeting && this.members.size === 0) return this.lose(message);
    const copies = !faults.healed && random.chance(profile.duplicates) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delivery: Delivery = { message, lane: this.laneOf(message), state: 'travels' };
      this.deliveries.push(delivery);
      this.travel(delivery, faults.transit() + (copy > 0 ? random.between(0, 3_000) : 0));
    }
  }

  /** Takes deliveries in the order that the profile keeps, none of a key that the taker has in hand already. */
  take(limit: number, inHand: ReadonlySet<string>): Delivery[] {
    if (this.broker.away) return [];
    const blocked = new Set<string>();
    const possible = this.deliveries.filter(({ state, lane, message }) => {
      const free = state === 'waits' && !blocked.has(lane) && !inHand.has(message.key);
      if (!free) blocked.add(lane);
      return free;
    });
    if (this.broker.profile.order === 'none') shuffle(possible, (n) => this.broker.around.random.below(n));
    const taken = possible.slice(0, limit);
    for (const delivery of taken) delivery.state = 'held';
    return taken;
  }

  acknowledge(done: readonly Delivery[]): void {
    this.deliveries = this.deliveries.filter((delivery) => !done.includes(delivery));
    this.acknowledged.push(...done.map(({ message }) => message));
    this.wake();
  }

  /** Delivers again whatever was acknowledged, as when somebody has set the group back to the beginning. */
  rewind(): void {
    for (const message of this.acknowledged.splice(0)) this.offer(message);
  }

  /** Has nothing any more of what is not acknowledged. */
  forget(): void {
    for (const { message } of this.deliveries.splice(0)) this.lose(message);
  }

  /** Delivers again, after a while, if it keeps things for that. */
  giveBack(deliveries: readonly Delivery[], ms: number): void {
    for (const delivery of deliveries) {
      if (!this.deliveries.includes(delivery)) continue;
      if (this.broker.profile.fleeting) {
        this.deliveries.splice(this.deliveries.indexOf(delivery), 1);
        this.lose(delivery.message);
        continue;
      }
      delivery.state = 'travels';
      this.broker.around.scheduler.after(ms, null, 'redeliver', () => this.arrive(delivery), this.describe(delivery));
    }
  }

  wake(): void {
    for (const member of this.members) member.wake();
  }

  leave(member: Member): void {
    this.members.delete(member);
    if (this.broker.profile.fleeting && this.members.size === 0) this.forget();
  }

  private lose({ topic, key }: Message): void {
    this.broker.note('', `${topic} ${key} is lost on its way to ${this.name}`);
  }

  private travel(delivery: Delivery, ms: number): void {
    const { scheduler } = this.broker.around;
    const earliest = this.arrivals.get(delivery.lane) ?? 0;
    const at = Math.max(scheduler.now + ms, earliest + 1e-6);
    this.arrivals.set(delivery.lane, at);
    scheduler.after(at - scheduler.now, null, 'deliver', () => this.arrive(delivery), this.describe(delivery));
  }

  private arrive(delivery: Delivery): void {
    delivery.state = 'waits';
    this.wake();
  }

  private laneOf({ key, topic }: Message): string {
    switch (this.broker.profile.order) {
      case 'key':
        return key;
      case 'topic':
        return `${topic} ${key}`;
      case 'none':
        return String(this.count++);
    }
  }

  private describe({ message }: Delivery): string {
    return `${message.topic} ${message.key} to ${this.name}`;
  }
}

function shuffle<T>(list: T[], below: (n: number) => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
}
