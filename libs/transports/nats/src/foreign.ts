import type { Bare, Foreign, ReadForeign, Settlement, Subscription } from '@order-events/messaging';
import { DiscardPolicy, nanos, RetentionPolicy, StorageType, type JetStreamManager } from 'nats';
import { Connection, TIMEOUT_MS } from './connection';
import { Consumer } from './consumer';
import type { ConnectionSettings } from './dial';
import { unstored } from './publisher';
import { CONSUMER, Topology } from './topology';
import { Wire } from './wire';

const KEPT_MS = 7 * 24 * 60 * 60_000;

/** For a group each message stays until it has been acknowledged; without one, a week for those who read it later. */
const retention = (group?: string) =>
  group === undefined
    ? { retention: RetentionPolicy.Limits, max_age: nanos(KEPT_MS), discard: DiscardPolicy.Old }
    : { retention: RetentionPolicy.Interest, discard: DiscardPolicy.New };

/**
 * A subject of other teams. Core NATS keeps nothing for who is away and proves nothing to who publishes, so there is to be a
 * stream on the subject: theirs, or one that is made. Programs that only publish and subscribe do not notice it.
 */
export class NatsForeign implements Foreign {
  private readonly wire = new Wire('');
  private readonly connection: Connection;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly subject: string,
  ) {
    this.connection = new Connection(settings, 0);
  }

  async declare(group?: string): Promise<void> {
    const jsm = await this.manager();
    const stream = (await this.streams(jsm))[0] ?? (await this.make(jsm, group));
    if (group === undefined) return;
    const durable_name = this.wire.name(group);
    await jsm.consumers.add(stream, { ...CONSUMER, durable_name, filter_subject: this.subject });
  }

  async publish(batch: readonly Bare[]): Promise<Settlement[]> {
    try {
      const jetstream = (await this.connection.get(TIMEOUT_MS)).jetstream();
      const publish = async ({ body }: Bare): Promise<Settlement> => {
        await jetstream.publish(this.subject, body, { timeout: TIMEOUT_MS });
        return { stored: true };
      };
      return await Promise.all(batch.map((bare) => publish(bare).catch(unstored)));
    } catch (error) {
      return batch.map(() => unstored(error));
    }
  }

  async subscribe(read: ReadForeign): Promise<Subscription> {
    const { connection, wire, subject } = this;
    const [stream] = await this.streams(await this.manager());
    if (stream === undefined) throw new Error(`no stream of NATS holds ${subject}: the setup makes one`);
    const topology = new Topology(wire, stream);
    return new Consumer({ ...read, topics: [subject], connection, topology, wire, onError: this.settings.onError });
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** The server takes care that there are not two. */
  private streams(jsm: JetStreamManager): Promise<string[]> {
    return jsm.streams.names(this.subject).next();
  }

  private async make(jsm: JetStreamManager, group?: string): Promise<string> {
    const name = this.wire.name(`BRIDGE_${this.subject}`);
    await jsm.streams.add({ name, subjects: [this.subject], storage: StorageType.File, ...retention(group) });
    return name;
  }

  private async manager(): Promise<JetStreamManager> {
    const connection = await this.connection.get(TIMEOUT_MS);
    return connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT_MS });
  }
}
