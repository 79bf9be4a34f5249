import type { Message } from '@order-events/messaging';

/** What waits for one group, and which keys are in somebody's hands. */
export class MemoryGroup {
  readonly topics = new Set<string>();
  private waiting: Message[] = [];
  private readonly busy = new Set<string>();
  private handed = 0;
  private readonly members = new Set<() => void>();

  get backlog(): number {
    return this.waiting.length + this.handed;
  }

  get isJoined(): boolean {
    return this.members.size > 0;
  }

  join(wakeUp: () => void): () => void {
    this.members.add(wakeUp);
    return () => this.members.delete(wakeUp);
  }

  offer(messages: readonly Message[]): void {
    this.waiting.push(...messages.filter(({ topic }) => this.topics.has(topic)));
    this.wakeAll();
  }

  /** Takes the oldest messages whose keys nobody else has in hand. */
  take(limit: number): Message[] {
    const taken: Message[] = [];
    const passedOver = new Set(this.busy);
    const rest: Message[] = [];
    for (const message of this.waiting) {
      if (taken.length < limit && !passedOver.has(message.key)) taken.push(message);
      else {
        passedOver.add(message.key);
        rest.push(message);
      }
    }
    this.waiting = rest;
    this.handed += taken.length;
    for (const { key } of taken) this.busy.add(key);
    return taken;
  }

  /** From now on they are nobody's; their keys stay in these hands. */
  acknowledge(taken: readonly Message[]): void {
    this.handed -= taken.length;
  }

  /** Puts back where they were what is not acknowledged. */
  giveBack(taken: readonly Message[]): void {
    this.handed -= taken.length;
    this.waiting.unshift(...taken);
  }

  /** Ends what `take` began. */
  release(taken: readonly Message[]): void {
    for (const { key } of taken) this.busy.delete(key);
    this.wakeAll();
  }

  private wakeAll(): void {
    for (const wakeUp of this.members) wakeUp();
  }
}

/** The broker that transports of one process share; it lives as long as they do. */
export class MemoryBroker {
  readonly groups = new Map<string, MemoryGroup>();
  readonly followers = new Set<MemoryGroup>();
  readonly topics = new Set<string>();

  group(name: string): MemoryGroup {
    let group = this.groups.get(name);
    if (!group) this.groups.set(name, (group = new MemoryGroup()));
    return group;
  }

  publish(messages: readonly Message[]): void {
    for (const group of [...this.groups.values(), ...this.followers]) group.offer(messages);
  }
}
