import type { Cluster } from 'kafkajs';
import { byNumber } from './assigner';
import { Client, retry, type ClientSettings } from './client';

/** Of the broker that coordinates a group, what the client's types leave out. */
interface Coordinator {
  leaveGroup(member: { groupId: string; memberId: string }): Promise<unknown>;
}
interface Coordinators {
  findGroupCoordinator(of: { groupId: string }): Promise<Coordinator>;
}

/** Of a protocol error of the client. */
const NOT_A_MEMBER = 'UNKNOWN_MEMBER_ID';
/** What the client says when it hears that; it says it as an error, in several places. */
const SAID = 'The coordinator is not aware of this member';

/** By it the members of a process are told from others, in any state of the group: what members say of themselves is shown in one only. */
export const clientIdOf = ({ applicationName }: ClientSettings, process: string) => `${applicationName} ${process}`;

/** Whether it says that a member is none any more. */
export const saysRemoved = ({ message }: Error) => message.includes(SAID);

/** Has these members leave the group, as they would themselves if they could. One who has left already is no error. */
export async function removeMembers(
  settings: ClientSettings,
  groupId: string,
  memberIds: readonly string[],
): Promise<void> {
  const client = new Client(settings);
  try {
    // A consumer that never runs: only those are given the cluster, whose coordinators can be asked.
    let cluster!: Cluster;
    const consumer = client.kafka.consumer({
      groupId,
      partitionAssigners: [(given) => byNumber({ ...given, cluster: (cluster = given.cluster) })],
      retry,
    });
    await consumer.connect();
    const coordinator = await (cluster as unknown as Coordinators).findGroupCoordinator({ groupId });
    for (const memberId of memberIds) {
      await coordinator.leaveGroup({ groupId, memberId }).catch((error: unknown) => {
        if ((error as { type?: string }).type !== NOT_A_MEMBER) throw error;
      });
    }
  } finally {
    client.end();
  }
}
