import {
  KeyLanes,
  redeliveryPause,
  systemRuntime,
  type Message,
  type Subscribe,
  type Subscription,
} from '@order-events/messaging';
import type { ConnectionSettings } from './connection';
import { clearAway, deleteChannel, followerChannel } from './followers';
import { Link, type Held } from './link';
import { addressOf, type Node, type Nodes } from './nodes';
import { nsqName } from './wire';

export interface ConsumerOptions extends Subscribe {
  nodes: Nodes;
  prefix: string;
  decode(topic: string, bytes: Buffer): Message;
  settings: ConnectionSettings;
}

/** How often it is looked whether a nsqd has joined or left. */
const LOOK_MS = 5_000;

/** One member of a group, or one follower of a broadcast: a link for each of its topics to every nsqd there is. */
export class Consumer implements Subscription {
  /** Resolves when every nsqd that could be reached at first has our channels. */
  readonly started: Promise<void>;
  private readonly stop = new AbortController();
  private readonly links = new Map<string, Link>();
  private readonly lanes: KeyLanes<Held>;
  private readonly channel: string;
  private readonly running: Promise<void>;
  private closing: Promise<void> | undefined;

  /** @throws UnfitError */
  constructor(private readonly options: ConsumerOptions) {
    const { prefix, group, topics } = options;
    this.channel = group === null ? followerChannel(prefix) : nsqName(prefix, group);
    for (const topic of topics) nsqName(prefix, topic);
    this.lanes = new KeyLanes({ ...options, run: (batch) => this.hand(batch) });
    let started = () => {};
    this.started = new Promise((resolve) => (started = resolve));
    this.running = this.run(started);
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    this.stop.abort();
    const links = [...this.links.values()];
    const stopped = Promise.all([this.running, ...links.map((link) => link.stopFetching())]);
    for (const held of this.lanes.clear()) held.link.giveBack(held, 0);
    await Promise.all([stopped, this.lanes.idle()]);
    await Promise.all(links.map((link) => link.close()));
    if (this.options.group === null) await this.unfollow(links);
  }

  private async unfollow(links: readonly Link[]): Promise<void> {
    const { onError } = this.options.settings;
    const gone = links.map(({ node, nsqTopic }) => deleteChannel(node, nsqTopic, this.channel));
    // What is left the next follower clears away.
    for (const result of await Promise.allSettled(gone))
      if (result.status === 'rejected') onError(result.reason as Error);
  }

  private async clearAway(nodes: readonly Node[]): Promise<void> {
    const { topics, prefix } = this.options;
    await Promise.all(nodes.flatMap((node) => topics.map((topic) => clearAway(node, prefix, nsqName(prefix, topic)))));
  }

  private async run(started: () => void): Promise<void> {
    const { nodes, settings } = this.options;
    const { signal } = this.stop;
    let isFirst = true;
    while (!signal.aborted) {
      try {
        const found = await nodes.find();
        if (!signal.aborted) await this.connect(found);
        if (isFirst && this.options.group === null) await this.clearAway(found);
        isFirst = false;
      } catch (error) {
        settings.onError(error as Error);
      }
      started();
      await systemRuntime.sleep(LOOK_MS, signal);
    }
  }

  private async connect(nodes: readonly Node[]): Promise<void> {
    const { topics, prefix, decode, settings, inFlight } = this.options;
    const before = new Map(this.links);
    for (const node of nodes) {
      for (const topic of topics) {
        const name = `${topic}@${addressOf(node)}`;
        if (before.delete(name)) continue;
        const nsqTopic = nsqName(prefix, topic);
        const take = (held: Held) => this.lanes.add(held);
        this.links.set(name, new Link({ ...settings, node, topic, nsqTopic, channel: this.channel, decode, take }));
      }
    }
    for (const [name, link] of before) if (!link.isConnected) await this.drop(name, link);
    for (const link of this.links.values()) link.allow(Math.max(1, Math.floor(inFlight / this.links.size)));
    await Promise.all([...this.links.values()].map((link) => link.tried));
  }

  private async drop(name: string, link: Link): Promise<void> {
    this.links.delete(name);
    await link.close();
  }

  private async hand(batch: readonly Held[]): Promise<void> {
    const { handle, acknowledgeFirst, settings } = this.options;
    if (acknowledgeFirst) return this.acknowledgeAndHand(batch).catch(settings.onError);
    try {
      await handle(batch.map(({ message }) => message));
      for (const held of batch) held.link.finish(held);
    } catch (error) {
      settings.onError(error as Error);
      for (const held of batch) held.link.giveBack(held, redeliveryPause(held.delivery.attempts));
    }
  }

  private async acknowledgeAndHand(batch: readonly Held[]): Promise<void> {
    const links = [...new Set(batch.map(({ link }) => link))];
    const finishing = links.map((link) => link.finishForCertain(batch.filter((held) => held.link === link)));
    const proved = new Set<Held>();
    for (const result of await Promise.allSettled(finishing)) {
      if (result.status === 'fulfilled') for (const held of result.value) proved.add(held);
      else this.options.settings.onError(result.reason as Error);
    }
    const messages = batch.filter((held) => proved.has(held)).map(({ message }) => message);
    if (messages.length > 0) await this.options.handle(messages);
  }
}
