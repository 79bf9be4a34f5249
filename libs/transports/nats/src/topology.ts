import { topicsByGroup, type TopicDeclaration } from '@order-events/messaging';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  nanos,
  NatsError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
} from 'nats';
import type { Wire } from './wire';

/** How long the server waits for an acknowledgement or a sign of life before it delivers a message again. */
export const ACK_WAIT_MS = 10_000;
/** How long a broadcast waits for a follower that was cut off. */
const FOLLOWER_MS = 60_000;
const NOT_FOUND = [10_014, 10_059];
/** Somebody else made it a moment ago, not quite as we would. */
const EXISTS = [10_013, 10_058, 10_148];

/** What makes "stored" mean that every group will find it. A stream that has it otherwise is refused. */
const STREAM = {
  // Keeps a message until every group has acknowledged it.
  retention: RetentionPolicy.Interest,
  storage: StorageType.File,
  // A full stream refuses the new instead of dropping the old.
  discard: DiscardPolicy.New,
  no_ack: false,
  max_age: 0,
  max_msgs_per_subject: -1,
};

/** Of a group. */
export const CONSUMER = {
  ack_policy: AckPolicy.Explicit,
  // What was published before the group was declared belongs to others.
  deliver_policy: DeliverPolicy.New,
  ack_wait: nanos(ACK_WAIT_MS),
  max_deliver: -1,
  max_ack_pending: -1,
};

export class Topology {
  /** @param stream its whole name */
  constructor(
    private readonly wire: Wire,
    readonly stream = wire.name('ORDER_EVENTS'),
  ) {}

  /** What is there is only ever added to: an older version's setup takes nothing from a newer one. */
  async declare(jsm: JetStreamManager, topics: readonly TopicDeclaration[]): Promise<void> {
    if (topics.length === 0) return;
    const { stream } = this;
    await cover(
      topics.map(({ topic }) => this.wire.subject(topic)),
      {
        read: () => this.subjects(jsm),
        add: (subjects) => jsm.streams.add({ ...STREAM, name: stream, subjects, duplicate_window: nanos(120_000) }),
        update: (subjects) => jsm.streams.update(stream, { subjects }),
      },
    );
    for (const [group, wanted] of topicsByGroup(topics)) {
      const durable_name = this.wire.name(group);
      await cover(
        wanted.map((topic) => this.wire.subject(topic)),
        {
          read: async () => filters((await jsm.consumers.info(stream, durable_name)).config),
          add: (filter_subjects) => jsm.consumers.add(stream, { ...CONSUMER, durable_name, filter_subjects }),
          update: (filter_subjects) => jsm.consumers.update(stream, durable_name, { filter_subjects }),
        },
      );
    }
  }

  /** Makes a consumer of what comes from now on, for one follower; returns its name. It ends when nobody asks for a minute. */
  async follow(jsm: JetStreamManager, topics: readonly string[]): Promise<string> {
    const { name } = await jsm.consumers.add(this.stream, {
      ...CONSUMER,
      filter_subjects: topics.map((topic) => this.wire.subject(topic)),
      inactive_threshold: nanos(FOLLOWER_MS),
      mem_storage: true,
    });
    return name;
  }

  private async subjects(jsm: JetStreamManager): Promise<string[]> {
    const { config } = await jsm.streams.info(this.stream);
    for (const [name, value] of Object.entries(STREAM)) {
      const found = config[name as keyof typeof STREAM];
      if ((found ?? value) !== value)
        throw new Error(
          `the stream ${this.stream} has ${name} "${found}", and events would get lost; needed: "${value}"`,
        );
    }
    return config.subjects;
  }
}

const filters = ({ filter_subject, filter_subjects }: { filter_subject?: string; filter_subjects?: string[] }) =>
  filter_subjects ?? (filter_subject ? [filter_subject] : []);

interface Thing {
  read(): Promise<string[]>;
  add(subjects: string[]): Promise<unknown>;
  update(subjects: string[]): Promise<unknown>;
}

/** Reads until all that is wanted is there: another setup may have written at the same time. */
async function cover(wanted: readonly string[], { read, add, update }: Thing): Promise<void> {
  for (;;) {
    const found = await read().catch(unless(NOT_FOUND));
    const all = [...new Set([...(found ?? []), ...wanted])].sort();
    if (found && all.length === found.length) return;
    await (found ? update(all) : add(all)).catch(unless(EXISTS));
  }
}

const unless = (codes: readonly number[]) => (error: unknown) => {
  if (error instanceof NatsError && codes.includes(error.api_error?.err_code ?? 0)) return undefined;
  throw error;
};
