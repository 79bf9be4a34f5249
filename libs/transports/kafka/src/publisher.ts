import { bisect, within, type Message, type Settlement } from '@order-events/messaging';
import { Partitioners, type CompressionTypes, type Message as Outgoing, type Producer } from 'kafkajs';
import { Client, retry, type ClientSettings } from './client';
import { MAX_REQUEST_BYTES, toKafka, unfit, weight } from './wire';

/** Shorter than the relay's lease. */
const PUBLISH_MS = 5_000;
/** A broker's answers that it gives for the message's sake. */
const REFUSALS = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD'];

interface Session {
  client: Client;
  producer: Producer;
  /** Where the client has put a message. */
  partitions: WeakMap<Outgoing, number>;
}

/** Publishes one batch after the other: an idempotent producer of this client may have only one under way. */
export class Publisher {
  private last: Promise<unknown> = Promise.resolve();
  private session: Session | undefined;

  constructor(
    private readonly settings: ClientSettings,
    private readonly prefix: string,
    private readonly compression: CompressionTypes,
  ) {}

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    const deadline = performance.now() + PUBLISH_MS;
    const settled = this.last.then(() => this.settle(batch, deadline));
    this.last = settled;
    return settled;
  }

  async close(): Promise<void> {
    await this.last;
    const { session } = this;
    this.session = undefined;
    if (!session) return;
    await within('Kafka', PUBLISH_MS, session.producer.disconnect()).catch(() => undefined);
    session.client.end();
  }

  private async settle(batch: readonly Message[], deadline: number): Promise<Settlement[]> {
    const settlements = new Map<Message, Settlement>();
    const fit: Message[] = [];
    for (const message of batch) {
      const detail = unfit(message, this.prefix + message.topic);
      if (detail === undefined) fit.push(message);
      else settlements.set(message, { stored: false, problem: 'refused', detail });
    }
    let detail = '';
    try {
      for (const some of portions(fit)) {
        const outcomes = await bisect<Message, Settlement>(
          some,
          (part) => this.send(part, deadline),
          (error) => REFUSALS.includes((error as { type?: string }).type ?? ''),
          (_, error) => ({ stored: false, problem: 'refused', detail: (error as Error).message }),
        );
        for (const [index, outcome] of outcomes.entries()) settlements.set(some[index]!, outcome);
      }
    } catch (error) {
      // What comes after it is not sent: it would overtake.
      detail = (error as Error).message;
    }
    return batch.map((message) => settlements.get(message) ?? { stored: false, problem: 'unavailable', detail });
  }

  private async send(batch: readonly Message[], deadline: number): Promise<Settlement[]> {
    const { producer, partitions } = await this.open(deadline);
    const topics = new Map<string, Outgoing[]>();
    const sent = batch.map((message) => {
      const topic = this.prefix + message.topic;
      const outgoing = toKafka(message);
      topics.set(topic, [...(topics.get(topic) ?? []), outgoing]);
      return { topic, outgoing };
    });
    try {
      const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages }));
      const answers = await within(
        'Kafka',
        deadline - performance.now(),
        producer.sendBatch({ acks: -1, timeout: PUBLISH_MS, compression: this.compression, topicMessages }),
      );
      // After a change of leaders the client may report success without having asked the new one.
      const proved = new Set(answers.map(({ topicName, partition }) => `${topicName}/${partition}`));
      const open = sent.filter(({ topic, outgoing }) => !proved.has(`${topic}/${partitions.get(outgoing)}`));
      if (open.length > 0) throw new Error(`no broker has confirmed ${open.length} of ${sent.length} messages`);
      return sent.map(() => ({ stored: true }));
    } catch (error) {
      // It would give the numbers of this batch to the next one, which a broker that has got this one takes for the same
      // and confirms without storing it.
      this.discard();
      throw error;
    }
  }

  private async open(deadline: number): Promise<Session> {
    if (this.session) return this.session;
    const client = new Client(this.settings);
    const partitions = new WeakMap<Outgoing, number>();
    const producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry,
      createPartitioner: () => {
        const choose = Partitioners.DefaultPartitioner();
        return (given) => {
          const partition = choose(given);
          partitions.set(given.message, partition);
          return partition;
        };
      },
    });
    this.session = { client, producer, partitions };
    try {
      await within('Kafka', deadline - performance.now(), producer.connect());
    } catch (error) {
      this.discard();
      throw error;
    }
    return this.session;
  }

  private discard(): void {
    this.session?.client.end();
    this.session = undefined;
  }
}

/** As large as a broker takes them for one partition, in case that all go to one. */
function* portions(batch: readonly Message[]): Iterable<Message[]> {
  let portion: Message[] = [];
  let bytes = 0;
  for (const message of batch) {
    const more = weight(message);
    if (portion.length > 0 && bytes + more > MAX_REQUEST_BYTES) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(message);
    bytes += more;
  }
  if (portion.length > 0) yield portion;
}
