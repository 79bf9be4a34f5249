import { within, type Message } from '@order-events/messaging';
import type { Msg } from 'nats';
import { TIMEOUT_MS, type Connection } from '../connection';
import type { Wire } from '../wire';
import type { Posts } from './posts';
import type { Roll } from './roll';

export interface CourierOptions {
  connection: Connection;
  posts: Posts;
  roll: Roll;
  wire: Wire;
  onError(error: Error): void;
}

/** Of a message that is handed over: the subject is another. */
const TOPIC = 'Order-Events-Topic';

/** Takes what a leaving member has not handled to another member of its group. */
export class Courier {
  constructor(private readonly options: CourierOptions) {}

  /** On which members take what others leave. */
  subject(group: string): string {
    return this.options.wire.handedTo(group);
  }

  read(msg: Msg): Message {
    const { headers, ...message } = this.options.wire.message(msg);
    const { [TOPIC]: topic = '', ...rest } = headers;
    return { ...message, topic, headers: rest };
  }

  /** Never rejects. What nobody takes is told of: it is lost here, and the delivery audit will find it missing. */
  async handOver(group: string, messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    const taken = await this.send(group, messages).catch((error: unknown) => {
      this.options.onError(error as Error);
      return 0;
    });
    const left = messages.length - taken;
    if (left > 0)
      this.options.onError(new Error(`${left} messages that a leaving member of ${group} held are dropped`));
  }

  private async send(group: string, messages: readonly Message[]): Promise<number> {
    const { posts, roll, wire } = this.options;
    const connection = await this.options.connection.get(TIMEOUT_MS);
    if (!(await roll.first(connection, group))) return 0;
    const post = posts.on(connection);
    const subject = this.subject(group);
    const slips = messages.map((message) => {
      const headers = wire.headers(message);
      headers.set(TOPIC, message.topic);
      return post.send({ subject, headers, body: message.body, groups: [group] });
    });
    try {
      await within(`the members of ${group}`, TIMEOUT_MS, Promise.all(slips.map(({ settled }) => settled)));
    } finally {
      post.forget(slips);
    }
    return slips.filter(({ words }) => words.get(group) === 'held').length;
  }
}
