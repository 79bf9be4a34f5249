import { randomUUID } from 'node:crypto';
import { backoff, systemRuntime, type Subscribe, type Subscription } from '@order-events/messaging';
import type { ClientSettings } from './client';
import { key, Session, type Place } from './session';
import type { Topology } from './topology';

export interface ConsumerOptions extends Subscribe {
  settings: ClientSettings;
  topology: Topology;
  onError(error: Error): void;
  onRemoved?(groupId: string): void;
}

/** One member of a group, or one follower of a broadcast: one session with the brokers after another. */
export class Consumer implements Subscription {
  /** Resolves when a follower knows where to begin, or could not learn it at once. */
  readonly ready: Promise<void>;
  private readonly stop = new AbortController();
  private readonly groupId: string;
  private readonly running: Promise<void>;
  /** Of a follower, which nobody else remembers. */
  private places: Map<string, Place> | undefined;

  constructor(private readonly options: ConsumerOptions) {
    // A follower is a group of its own. It commits nothing, and nothing is left of it.
    this.groupId = options.topology.name(options.group ?? `broadcast.${randomUUID()}`);
    let tried = () => {};
    this.ready = new Promise((resolve) => (tried = resolve));
    this.running = this.run(tried);
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(tried: () => void): Promise<void> {
    const { signal } = this.stop;
    const { topology } = this.options;
    let left: string | undefined;
    for (let failures = 0; !signal.aborted;) {
      try {
        if (this.options.group === null) this.places ??= await this.ends();
        tried();
        const { groupId, places } = this;
        // The client does not say whether it could leave. If not, the group would wait for that member until its session ends.
        if (left !== undefined) await topology.remove(groupId, [left]);
        left = undefined;
        const session = new Session({ ...this.options, groupId, places, succeeded: () => (failures = 0) });
        if (await session.run(signal)) return;
        left = session.memberId;
      } catch (error) {
        tried();
        this.options.onError(error as Error);
      }
      await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
    }
  }

  private async ends(): Promise<Map<string, Place>> {
    const { topology, topics } = this.options;
    const places = new Map<string, Place>();
    for (const [topic, offsets] of await topology.ends(topics)) {
      for (const { partition, high } of offsets) {
        const place = { topic: topology.name(topic), partition, offset: high };
        places.set(key(place), place);
      }
    }
    return places;
  }
}
