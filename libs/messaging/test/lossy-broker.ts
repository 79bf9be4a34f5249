import type { Message, Runtime } from '../src/index';
import { MemoryBroker } from '@order-events/transport-memory';

/** A broker that confirms what it then does not deliver to everybody, or delivers late, as a test tells it to. */
export class LossyBroker extends MemoryBroker {
  /** Whether the group never gets the message. */
  loses: (message: Message, group: string) => boolean = () => false;
  /** How long events travel to a group, milliseconds; the audit's own messages overtake them. */
  readonly delays = new Map<string, number>();
  /** Groups of which the broker does not tell how much waits for them. */
  readonly silent = new Set<string>();
  /** What was published, copies that were lost included. */
  readonly published: Message[] = [];
  private readonly travelling = new Map<string, number>();

  constructor(private readonly runtime: Runtime) {
    super();
  }

  override publish(messages: readonly Message[]): void {
    this.published.push(...messages);
    for (const [name, group] of this.groups) {
      const kept = messages.filter((message) => group.topics.has(message.topic) && !this.loses(message, name));
      const late = kept.filter(({ topic }) => this.delays.has(name) && !topic.startsWith('audit'));
      group.offer(kept.filter((message) => !late.includes(message)));
      if (late.length === 0) continue;
      this.travelling.set(name, this.underWay(name) + late.length);
      void this.runtime.sleep(this.delays.get(name)!).then(() => {
        this.travelling.set(name, this.underWay(name) - late.length);
        group.offer(late);
      });
    }
  }

  /** Loses the first so many messages that a group would get; `left` says how many are still to come. */
  loseFirst(count: number, which: (message: Message, group: string) => boolean): { readonly left: number } {
    const loss = { left: count };
    this.loses = (message, group) => which(message, group) && loss.left > 0 && loss.left-- > 0;
    return loss;
  }

  /** What was published of these events. */
  copies(ids: readonly string[]): Message[] {
    return this.published.filter(({ headers }) => ids.includes(headers['ce-id']!));
  }

  underWay(group: string): number {
    return this.travelling.get(group) ?? 0;
  }
}

/** Messages of a topic, to one group or to any. */
export function of(topic: string, group?: string): (message: Message, to: string) => boolean {
  return (message, to) => message.topic === topic && (group === undefined || to === group);
}
