import { systemRuntime, type TopicDeclaration } from '@order-events/messaging';
import { Connection, type ConnectionSettings } from './connection';
import { addressOfHttp, getJson, type Node } from './nodes';
import { nsqName } from './wire';

interface Channel {
  channel_name: string;
  depth: number;
  in_flight_count: number;
  deferred_count: number;
  message_count: number;
  client_count: number;
}

interface Stats {
  topics: { topic_name: string; depth: number; message_count: number; channels: Channel[] }[];
}

/** Makes the channels on each of the nsqds: whoever subscribes makes what is missing, with any nsqd, TLS and secret. */
export async function declare(
  nodes: readonly Node[],
  prefix: string,
  topics: readonly TopicDeclaration[],
  settings: ConnectionSettings,
): Promise<void> {
  const channels = topics.flatMap(({ topic, groups }) =>
    groups.map((group) => [nsqName(prefix, topic), nsqName(prefix, group)] as const),
  );
  await Promise.all(
    nodes.map(async (node) => {
      for (const [topic, channel] of channels) {
        const connection = Connection.reader(node, topic, channel, settings);
        await connection.ready;
        await connection.end();
      }
    }),
  );
}

/** What waits for the group on this nsqd, is in its hands or was put off. */
export async function backlogOf(node: Node, prefix: string, group: string): Promise<number> {
  const look = async () => measure(await statsOf(node, prefix, group));
  // nsqd moves a message from its topic to the channels later, and meanwhile counts it nowhere.
  let seen = await look();
  for (let pause = 10; pause < 1_000; pause *= 2) {
    await systemRuntime.sleep(pause);
    const now = await look();
    if (now.unsorted === 0 && now.moved === seen.moved) return now.waiting;
    seen = now;
  }
  return seen.waiting;
}

/** Whether any process reads a channel of the group on this nsqd. */
export async function isConsumedAt(node: Node, prefix: string, group: string): Promise<boolean> {
  const topics = await statsOf(node, prefix, group);
  return topics.some(({ channels }) => channels.some(({ client_count }) => client_count > 0));
}

/** The topics of our prefix, each with the channel of the group if it has one. */
async function statsOf(node: Node, prefix: string, group: string): Promise<Stats['topics']> {
  const channel = nsqName(prefix, group);
  const path = `/stats?format=json&include_clients=false&include_mem=false&channel=${channel}`;
  const { topics } = await getJson<Stats>(addressOfHttp(node), path);
  return topics.filter(({ topic_name }) => topic_name.startsWith(prefix));
}

function measure(topics: Stats['topics']) {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const channels = topics.flatMap((topic) => topic.channels);
  const unsorted = sum(topics.map(({ depth }) => depth));
  return {
    unsorted,
    moved: sum([...topics, ...channels].map(({ message_count }) => message_count)),
    waiting:
      unsorted +
      sum(channels.map(({ depth, in_flight_count, deferred_count }) => depth + in_flight_count + deferred_count)),
  };
}
