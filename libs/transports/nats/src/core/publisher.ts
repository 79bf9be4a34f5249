import { LateError, within, type Message, type Settlement } from '@order-events/messaging';
import { ErrorCode, type NatsConnection, type NatsError } from 'nats';
import { TIMEOUT_MS, type Connection } from '../connection';
import { unstored } from '../publisher';
import type { Wire } from '../wire';
import type { Post } from './post';
import type { Posts } from './posts';
import type { Roll } from './roll';
import type { Slip } from './slip';
import type { KnownTopology } from './topology';

export interface CorePublisherOptions {
  connection: Connection;
  posts: Posts;
  roll: Roll;
  topology: KnownTopology;
  wire: Wire;
}

/** A group that was there so short a time ago is waited for: it is being started again, or finds its server again. */
const AWAY_MS = 8_000;

interface Sent {
  message: Message;
  slip: Slip;
}

/**
 * Publishes a batch at once. A message is stored when each group of its topic has said that it has it, or has nobody who
 * could: then it is lost to that group, and the delivery audit will find it missing.
 */
export class CorePublisher {
  /** When each group was last heard of. */
  private readonly heard = new Map<string, number>();
  private last: NatsConnection | undefined;

  constructor(private readonly options: CorePublisherOptions) {}

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    try {
      const connection = await this.options.connection.get(TIMEOUT_MS);
      this.begin(connection);
      const post = this.options.posts.on(connection);
      const all = batch.map((message) => this.send(post, message));
      const sent = all.filter((one): one is Sent => 'slip' in one);
      try {
        await this.settled(connection, post, sent);
      } finally {
        post.forget(sent.map(({ slip }) => slip));
      }
      return all.map((one) => ('slip' in one ? this.settlement(one.slip) : one));
    } catch (error) {
      return batch.map(() => unavailable((error as Error).message));
    }
  }

  /** All of them were away while there was no connection. */
  private begin(connection: NatsConnection): void {
    if (connection === this.last) return;
    this.last = connection;
    for (const group of this.heard.keys()) this.heard.set(group, performance.now());
  }

  private send(post: Post, message: Message): Sent | Settlement {
    const { wire, topology } = this.options;
    const { topic, body } = message;
    const groups = topology.groupsOf(topic);
    if (!groups) return unavailable(`the topic ${topic} was not declared`);
    try {
      const slip = post.send({ subject: wire.subject(topic), headers: wire.headers(message), body, groups });
      return { message, slip };
    } catch (error) {
      return unstored(error);
    }
  }

  /** Until of each message it is known who has it, or for as long as a server may take for an answer. */
  private async settled(connection: NatsConnection, post: Post, sent: readonly Sent[]): Promise<void> {
    const groups = new Set(sent.flatMap(({ slip }) => [...slip.awaited]));
    const there = new Set<string>();
    for (const group of groups) void this.lookFor(connection, group, sent).then((is) => is && there.add(group));
    let isTaken = false;
    const taken = post.flush().then(() => (isTaken = true));
    try {
      await within('NATS', TIMEOUT_MS, Promise.all([taken, ...sent.map(({ slip }) => slip.settled)]));
    } catch (error) {
      if (!(error instanceof LateError && isTaken)) throw error;
      // The server has it, and of a group that says nothing at all everybody hangs: others do not stand still for it.
      for (const { slip } of sent) for (const group of [...slip.awaited]) if (!there.has(group)) slip.excuse(group);
    }
    for (const { slip } of sent) for (const group of slip.words.keys()) this.heard.set(group, performance.now());
  }

  /** Whether anybody is there; where nobody is, or nobody who knows of the topic, no word of the group is waited for. */
  private async lookFor(connection: NatsConnection, group: string, sent: readonly Sent[]): Promise<boolean> {
    try {
      const answer = await this.options.roll.first(connection, group);
      if (answer) this.heard.set(group, performance.now());
      for (const { message, slip } of sent) {
        if (!answer) slip.miss(group);
        else if (!answer.topics.includes(message.topic)) slip.excuse(group);
      }
      return answer !== undefined;
    } catch (error) {
      // Not to be allowed to ask says nothing about them.
      return (error as NatsError).code !== (ErrorCode.Timeout as string);
    }
  }

  private settlement({ problem, words, awaited, absent }: Slip): Settlement {
    if (problem !== undefined) return unavailable(problem);
    const full = [...words].filter(([, word]) => word === 'full').map(([group]) => group);
    if (full.length > 0) return unavailable(`no room with ${full.join()}`);
    if (awaited.size > 0) return unavailable(`no word of ${[...awaited].join()}`);
    const away = [...absent].filter((group) => performance.now() - (this.heard.get(group) ?? -Infinity) < AWAY_MS);
    if (away.length > 0) return unavailable(`${away.join()} was there a moment ago`);
    return { stored: true };
  }
}

const unavailable = (detail: string): Settlement => ({ stored: false, problem: 'unavailable', detail });
