import { randomBytes } from 'node:crypto';
import { addressOfHttp, getJson, post, type Node } from './nodes';
import { nsqName } from './wire';

/** No group is called so. */
const MARK = 'follower.';

interface Stats {
  topics: { channels: { channel_name: string; client_count: number }[] }[];
}

/**
 * A channel for one follower. It is not `#ephemeral`: of such a channel nsqd keeps in memory what it may keep in memory of
 * any, and with `-mem-queue-size=0`, which loses nothing of the others, drops whatever comes while the follower is busy.
 */
export function followerChannel(prefix: string): string {
  return nsqName(prefix, MARK + randomBytes(8).toString('hex'));
}

/** Deletes what followers of the topic have left on this nsqd that ended without a word. */
export async function clearAway(node: Node, prefix: string, topic: string): Promise<void> {
  const path = `/stats?format=json&include_clients=false&include_mem=false&topic=${topic}`;
  const { topics } = await getJson<Stats>(addressOfHttp(node), path);
  const left = topics
    .flatMap(({ channels }) => channels)
    .filter(({ channel_name, client_count }) => channel_name.startsWith(prefix + MARK) && client_count === 0);
  await Promise.all(left.map(({ channel_name }) => deleteChannel(node, topic, channel_name)));
}

/** Of a follower that goes, or has gone. */
export async function deleteChannel(node: Node, topic: string, channel: string): Promise<void> {
  await post(addressOfHttp(node), `/channel/delete?topic=${topic}&channel=${channel}`);
}
