import {
  backoff,
  LateError,
  systemRuntime,
  topicsByGroup,
  within,
  type TopicDeclaration,
} from '@order-events/messaging';
import type { Admin, GroupMember, TopicPartitionOffsetAndMetadata } from 'kafkajs';
import { byNumber } from './assigner';
import { Client, REQUEST_MS, retry, type ClientSettings } from './client';
import { clientIdOf, removeMembers } from './removal';
import { MAX_BATCH_BYTES } from './wire';

/** Of a new topic, for life: with another number of partitions a key would move to another one. */
export const PARTITIONS = 12;
/** How long a member may be silent before its partitions go to others. */
export const SESSION_MS = 10_000;
/** How long a rebalance waits for a member whose calls are running; then it goes on without it. */
export const REBALANCE_MS = 30_000;
const DECLARE_MS = 60_000;

export interface TopologyOptions extends ClientSettings {
  prefix: string;
  onError(error: Error): void;
}

/** What makes "stored" mean that every group will find it, whatever the brokers' own defaults are. */
const settings = (replicas: number) => ({
  'min.insync.replicas': Math.max(1, replicas - 1),
  'unclean.leader.election.enable': false,
  'cleanup.policy': 'delete',
  'retention.ms': 7 * 24 * 60 * 60_000,
  'retention.bytes': -1,
  'max.message.bytes': MAX_BATCH_BYTES,
  // Otherwise a broker packs anew what we publish, maybe as this client cannot unpack it.
  'compression.type': 'producer',
});

const NOT_YET = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
];

/** What the client's types leave out of it. */
type Member = GroupMember & { clientId: string };

type Offsets = Awaited<ReturnType<Admin['fetchTopicOffsets']>>;

/** What the brokers are asked besides messages. All names come without the prefix. */
export class Topology {
  private session: { client: Client; admin: Admin } | undefined;

  constructor(private readonly options: TopologyOptions) {}

  async declare(declarations: readonly TopicDeclaration[]): Promise<void> {
    if (declarations.length === 0) return;
    await this.ask(DECLARE_MS, (admin) =>
      this.makeTopics(
        admin,
        declarations.map(({ topic }) => this.name(topic)),
      ),
    );
    const groups = [...topicsByGroup(declarations)];
    // Before anything else. Whoever finds no place after that, finds it before anybody was told that the group is declared.
    const ends = await this.ends([...new Set(groups.flatMap(([, topics]) => topics))]);
    await Promise.all(groups.map(([group, topics]) => this.place(group, topics, ends)));
  }

  /** Where each partition of the topics ends, by topic. */
  async ends(topics: readonly string[]): Promise<Map<string, Offsets>> {
    return this.ask(DECLARE_MS, async (admin) => {
      const ends = new Map<string, Offsets>();
      // One after the other: at each topic that is new to it the client asks anew about all, and lets the others wait.
      for (const topic of topics) ends.set(topic, await offsets(admin, this.name(topic)));
      return ends;
    });
  }

  /** Messages that the group has not acknowledged. */
  async backlog(group: string): Promise<number> {
    return this.ask(DECLARE_MS, async (admin) => {
      const known = await placesOf(admin, this.name(group));
      const waiting = known.map(async ({ topic, partitions }) => {
        const acknowledged = new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
        const all = await offsets(admin, topic);
        return all.reduce(
          (sum, { partition, high, low }) =>
            sum + Number(high) - Math.max(Number(low), acknowledged.get(partition) ?? -1),
          0,
        );
      });
      return (await Promise.all(waiting)).reduce((sum, count) => sum + count, 0);
    });
  }

  async isConsumed(group: string): Promise<boolean> {
    return (await this.members(group)).length > 0;
  }

  /** Takes the members of these processes out of the group, which would wait for them until they had been silent for long enough. */
  async release(group: string, processes: readonly string[]): Promise<void> {
    const theirs = new Set(processes.map((process) => clientIdOf(this.options, process)));
    const members = (await this.members(group)).filter(({ clientId }) => theirs.has(clientId));
    if (members.length === 0) return;
    await this.remove(
      this.name(group),
      members.map(({ memberId }) => memberId),
    );
  }

  /** @param groupId the group's name with the prefix */
  async remove(groupId: string, memberIds: readonly string[]): Promise<void> {
    await within(
      'Kafka',
      REQUEST_MS,
      patiently(() => removeMembers(this.options, groupId, memberIds)),
    );
  }

  async ping(): Promise<void> {
    await this.ask(REQUEST_MS / 2, (admin) => admin.describeCluster());
  }

  async close(): Promise<void> {
    const { session } = this;
    this.session = undefined;
    if (!session) return;
    await within('Kafka', REQUEST_MS / 2, session.admin.disconnect()).catch(this.options.onError);
    session.client.end();
  }

  private async members(group: string): Promise<Member[]> {
    const { groups } = await this.ask(REQUEST_MS, (admin) => patiently(() => admin.describeGroups([this.name(group)])));
    return groups.flatMap(({ members }) => members as Member[]);
  }

  private async makeTopics(admin: Admin, names: readonly string[]): Promise<void> {
    const { brokers } = await admin.describeCluster();
    const replicas = Math.min(3, brokers.length);
    const there = new Set(await admin.listTopics());
    const missing = names.filter((name) => !there.has(name));
    if (missing.length > 0) {
      await admin.createTopics({
        // The client would wait for the leaders too, and fail when it asks a broker that does not know the topic yet.
        waitForLeaders: false,
        topics: missing.map((topic) => ({
          topic,
          numPartitions: PARTITIONS,
          replicationFactor: replicas,
          configEntries: Object.entries(settings(replicas)).map(([name, value]) => ({ name, value: String(value) })),
        })),
      });
    }
    const { topics } = await patiently(() => admin.fetchTopicMetadata({ topics: [...names] }));
    for (const { name, partitions } of topics) {
      const fewest = Math.min(...partitions.map((partition) => partition.replicas.length));
      if (fewest < replicas)
        this.options.onError(
          new Error(`${fewest} of ${brokers.length} brokers holds the topic ${name}: its events can get lost with it`),
        );
    }
  }

  /** Gives the group its place in the topics that are new to it: what was there before belongs to others. */
  private async place(group: string, topics: readonly string[], ends: ReadonlyMap<string, Offsets>): Promise<void> {
    const groupId = this.name(group);
    const known = await this.ask(DECLARE_MS, (admin) => placesOf(admin, groupId, topics.map(this.name)));
    const places = known
      .filter(({ partitions }) => partitions.every(({ offset }) => Number(offset) < 0))
      .flatMap(({ topic }) =>
        ends.get(this.bare(topic))!.map(({ partition, high }) => ({ topic, partition, offset: high })),
      );
    if (places.length > 0) await this.commit(groupId, places);
  }

  /** As a member that wants no topic: Kafka lets only members of a group write its places, while it has any. */
  private async commit(groupId: string, places: TopicPartitionOffsetAndMetadata[]): Promise<void> {
    const client = new Client(this.options);
    try {
      const consumer = client.kafka.consumer({
        groupId,
        partitionAssigners: [byNumber],
        sessionTimeout: SESSION_MS,
        // Leaving takes as long.
        maxWaitTimeInMs: 100,
        retry,
      });
      const eachBatch = () => Promise.resolve();
      await within(
        'Kafka',
        DECLARE_MS,
        (async () => {
          await consumer.connect();
          await consumer.run({ autoCommit: false, eachBatch });
          await consumer.commitOffsets(places);
          await consumer.disconnect();
        })(),
      );
    } finally {
      client.end();
    }
  }

  private async ask<T>(ms: number, work: (admin: Admin) => Promise<T>): Promise<T> {
    const { client, admin } = (this.session ??= this.open());
    try {
      return await within(
        'Kafka',
        ms,
        admin.connect().then(() => work(admin)),
      );
    } catch (error) {
      // Anything else the client gets over by itself, and others may be asking with it.
      if (error instanceof LateError) {
        client.end();
        if (this.session?.client === client) this.session = undefined;
      }
      throw error;
    }
  }

  private open() {
    const client = new Client(this.options);
    return { client, admin: client.kafka.admin() };
  }

  readonly name = (name: string): string => this.options.prefix + name;

  private bare(name: string): string {
    return name.slice(this.options.prefix.length);
  }
}

const offsets = (admin: Admin, topic: string) => patiently(() => admin.fetchTopicOffsets(topic));

const placesOf = (admin: Admin, groupId: string, topics?: string[]) =>
  patiently(() => admin.fetchOffsets({ groupId, topics }));

/** After a topic was made or a leader has changed not every broker knows: for a moment, or longer when it is busy. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const end = systemRuntime.elapsed() + DECLARE_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (systemRuntime.elapsed() > end || !NOT_YET.includes((error as { type?: string }).type ?? '')) throw error;
      await systemRuntime.sleep(backoff(tries, Math.random(), 100, 1_000));
    }
  }
}
