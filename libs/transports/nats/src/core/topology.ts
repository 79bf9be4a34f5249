import type { TopicDeclaration } from '@order-events/messaging';

/** The groups of each topic. A server without streams keeps no such list, so each process goes by what it was told. */
export class KnownTopology {
  private readonly groups = new Map<string, Set<string>>();

  constructor(declared: readonly TopicDeclaration[] = []) {
    this.declare(declared);
  }

  /** What is known is only ever added to. */
  declare(topics: readonly TopicDeclaration[]): void {
    for (const { topic, groups } of topics)
      this.groups.set(topic, new Set([...(this.groups.get(topic) ?? []), ...groups]));
  }

  /** @returns undefined for a topic that was not declared */
  groupsOf(topic: string): ReadonlySet<string> | undefined {
    return this.groups.get(topic);
  }
}
