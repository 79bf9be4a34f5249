import type { TopicDeclaration } from '@order-events/messaging';
import type { Channel, ChannelModel } from 'amqplib';
import { versionOf } from './connection';

/** What there is on the broker, and by which names: a topic exchange that all goes through, and a queue for each group. */
export class Topology {
  /** @param exchange its whole name */
  constructor(
    private readonly prefix: string,
    readonly exchange = `${prefix}order-events`,
  ) {}

  queue(group: string): string {
    return this.prefix + group;
  }

  routingKey(topic: string): string {
    return this.prefix + topic;
  }

  topic(routingKey: string): string {
    return routingKey.slice(this.prefix.length);
  }

  /** An older version's setup takes nothing from a newer one's: only who consumes a topic has no more use for `nobody`. */
  async declare(channel: Channel, model: ChannelModel, topics: readonly TopicDeclaration[]): Promise<void> {
    await channel.assertExchange(this.exchange, 'topic', { durable: true });
    for (const group of new Set(topics.flatMap(({ groups }) => groups)))
      await channel.assertQueue(this.queue(group), { durable: true, arguments: queueArguments(model) });
    await channel.assertExchange(this.byHeaders, 'headers', { durable: true });
    const nobody = await this.queueOfNobody(channel);
    for (const { topic, groups } of topics) {
      const key = this.routingKey(topic);
      for (const group of groups) await channel.bindQueue(this.queue(group), this.exchange, key);
      if (groups.length === 0) {
        await channel.bindQueue(nobody, this.exchange, key);
        await channel.bindExchange(this.byHeaders, this.exchange, key);
      } else await channel.unbindQueue(nobody, this.exchange, key);
    }
  }

  /** What no group of ours consumes is for other programs: here they take of it what they want, by its attributes. */
  private get byHeaders(): string {
    return `${this.exchange}.by-headers`;
  }

  /**
   * It drops what it gets. A topic that nobody consumes is published all the same, and that no queue takes a message
   * must go on to mean that one is missing.
   */
  private async queueOfNobody(channel: Channel): Promise<string> {
    const nobody = `${this.prefix}nobody`;
    await channel.assertQueue(nobody, { durable: true, arguments: { 'x-queue-type': 'classic', 'x-max-length': 0 } });
    return nobody;
  }

  /**
   * Makes a queue that gets what comes from now on and ends with its consumer; returns its name. All followers of a topic
   * share a fanout exchange, which ends with the last of them: what else is published meets one binding, however many follow.
   */
  async follow(channel: Channel, topics: readonly string[]): Promise<string> {
    const { queue } = await channel.assertQueue('', { exclusive: true, durable: false, autoDelete: true });
    for (const topic of topics) {
      const followers = `${this.exchange}.followers.${topic}`;
      await channel.assertExchange(followers, 'fanout', { durable: false, autoDelete: true });
      await channel.bindQueue(queue, followers, '');
      await channel.bindExchange(followers, this.exchange, this.routingKey(topic));
    }
    return queue;
  }
}

function queueArguments(model: ChannelModel): Record<string, unknown> {
  const quorum = { 'x-queue-type': 'quorum' };
  // From 4.0 on a quorum queue would drop a message that was given back twenty times. Before, it has no limit, and no -1.
  return versionOf(model)[0] < 4 ? quorum : { ...quorum, 'x-delivery-limit': -1 };
}
