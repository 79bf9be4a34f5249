import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';

/** Of the client's cluster, what its types leave out. */
interface Metadata {
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
}

/**
 * The partitions of one number go to one member, whatever topic they are of, so that all events of a key meet there. Each
 * member gets only what it wants; the client's own way gives it what the leader wants, which it then reads nothing of
 * while replicas of two versions run.
 */
export const byNumber: PartitionAssigner = ({ cluster }) => ({
  name: 'order-events',
  version: 1,

  async assign({ members }) {
    const wishes = members
      .map(({ memberId, memberMetadata }) => ({
        memberId,
        topics: AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? [],
        assignment: new Map<string, number[]>(),
      }))
      .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const topics = [...new Set(wishes.flatMap((member) => member.topics))];
    await (cluster as unknown as Metadata).addMultipleTargetTopics(topics);
    for (const topic of topics) {
      const readers = wishes.filter((member) => member.topics.includes(topic));
      for (const { partitionId } of cluster.findTopicPartitionMetadata(topic)) {
        const { assignment } = readers[partitionId % readers.length]!;
        assignment.set(topic, [...(assignment.get(topic) ?? []), partitionId]);
      }
    }
    return wishes.map(({ memberId, assignment }) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 1,
        assignment: Object.fromEntries(assignment),
        userData: Buffer.alloc(0),
      }),
    }));
  },

  protocol({ topics }) {
    const metadata = AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) });
    return { name: 'order-events', metadata };
  },
});
