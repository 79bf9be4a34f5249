import {
  backoff,
  KeyLanes,
  redeliveryPause,
  systemRuntime,
  within,
  type Message,
  type Subscribe,
  type Subscription,
} from '@order-events/messaging';
import type { Channel, ConsumeMessage } from 'amqplib';
import { BROKER, TIMEOUT_MS, Watched, type Connection } from './connection';
import type { Topology } from './topology';
import { read } from './wire';

export interface ConsumerOptions extends Subscribe {
  connection: Connection;
  topology: Topology;
  onError(error: Error): void;
}

/** A message in our hands, for as long as the channel lives on which it came. */
interface Delivery {
  key: string;
  message: Message;
  raw: ConsumeMessage;
  channel: Channel;
  queue: string;
}

/** The largest that the protocol can say; 0 would mean no limit. */
const MAX_PREFETCH = 65_535;

/** One member of a group, or one follower of a broadcast: consumes on one channel after another. */
export class Consumer implements Subscription {
  /** Resolves when it consumes, or has failed to for the first time. */
  readonly started: Promise<void>;
  private start!: () => void;
  private readonly stop = new AbortController();
  private readonly lanes: KeyLanes<Delivery>;
  private readonly running: Promise<void>;
  /** Delivered on the channel that is open now, and not yet settled. */
  private readonly held = new Set<Delivery>();
  /** Came too late, or was in no call when it was to end. */
  private readonly unwanted: Delivery[] = [];

  constructor(private readonly options: ConsumerOptions) {
    this.started = new Promise((resolve) => (this.start = resolve));
    this.lanes = new KeyLanes({ ...options, run: (batch) => this.hand(batch) });
    this.running = this.run();
  }

  get inHand(): number {
    return this.held.size;
  }

  async close(): Promise<void> {
    this.stop.abort();
    this.unwanted.push(...this.lanes.clear());
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.consume(() => (failures = 0));
      } catch (error) {
        this.options.onError(error as Error);
        this.start();
        await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
      }
    }
    await this.lanes.idle();
  }

  /** Resolves when all is acknowledged or given back after the stop; rejects when the broker ended it. */
  private async consume(succeeded: () => void): Promise<void> {
    const { connection } = this.options;
    const { model } = await connection.get();
    const watched = new Watched(await within(BROKER, TIMEOUT_MS, model.createChannel()));
    const { channel, ended } = watched;
    channel.on('close', () => this.forget());
    try {
      const cancel = new AbortController();
      // A queue without a leader does not answer.
      const [queue, consumerTag] = await within(
        BROKER,
        TIMEOUT_MS,
        this.begin(channel, () => cancel.abort()),
      );
      succeeded();
      this.start();
      const lost = await Promise.race([ended, aborted(AbortSignal.any([cancel.signal, this.stop.signal]))]);
      if (lost) throw new Error(`consuming from ${queue} was interrupted: ${lost.message}`, { cause: lost });
      if (cancel.signal.aborted) throw new Error(`RabbitMQ cancelled consuming from ${queue}: was it deleted?`);
      await within(BROKER, TIMEOUT_MS, channel.cancel(consumerTag));
      for (const delivery of this.unwanted) this.settle(delivery, 'nack');
      await this.lanes.idle();
    } finally {
      this.forget();
      // The broker gives to others what is not acknowledged.
      await watched.close();
    }
  }

  private async begin(channel: Channel, cancelled: () => void): Promise<[string, string]> {
    const { group, topics, inFlight, topology } = this.options;
    await channel.prefetch(Math.min(inFlight, MAX_PREFETCH));
    const queue = group === null ? await topology.follow(channel, topics) : topology.queue(group);
    const receive = (raw: ConsumeMessage | null) => (raw ? this.take(raw, channel, queue) : cancelled());
    const { consumerTag } = await channel.consume(queue, receive);
    return [queue, consumerTag];
  }

  private take(raw: ConsumeMessage, channel: Channel, queue: string): void {
    const message = read(raw, this.options.topology.topic(raw.fields.routingKey));
    const delivery: Delivery = { key: message.key, message, raw, channel, queue };
    this.held.add(delivery);
    if (this.stop.signal.aborted) this.unwanted.push(delivery);
    else this.lanes.add(delivery);
  }

  private async hand(batch: readonly Delivery[]): Promise<void> {
    const { handle, onError, acknowledgeFirst } = this.options;
    if (acknowledgeFirst) return this.acknowledgeAndHand(batch).catch(onError);
    try {
      await handle(batch.map(({ message }) => message));
      for (const delivery of batch) this.settle(delivery, 'ack');
    } catch (error) {
      onError(error as Error);
      for (const delivery of batch) this.giveBackLater(delivery);
    }
  }

  private async acknowledgeAndHand(batch: readonly Delivery[]): Promise<void> {
    const ours = batch.filter((delivery) => this.held.has(delivery));
    const [first] = ours;
    if (!first) return;
    for (const delivery of ours) this.settle(delivery, 'ack');
    // No acknowledgement is answered. What comes after it on the channel comes to the queue after it, too, and that is answered.
    await within(BROKER, TIMEOUT_MS, first.channel.checkQueue(first.queue));
    await this.options.handle(ours.map(({ message }) => message));
  }

  /** The broker knows no delay: until then the message stays in our hands, and in no call. */
  private giveBackLater(delivery: Delivery): void {
    setTimeout(() => this.settle(delivery, 'nack'), delay(delivery)).unref();
  }

  /** Once for each delivery, and never on another channel: the broker would end that one for it. */
  private settle(delivery: Delivery, how: 'ack' | 'nack'): void {
    if (!this.held.delete(delivery)) return;
    try {
      delivery.channel[how](delivery.raw);
    } catch (error) {
      this.options.onError(error as Error);
    }
  }

  /** With its channel goes the claim on all that it delivered. What is in a call stays there, and comes again after it. */
  private forget(): void {
    this.held.clear();
    this.lanes.clear();
  }
}

/** Milliseconds until a rejected message comes again, longer each time it was given back, where the broker counts that. */
function delay({ raw }: Delivery): number {
  const { 'x-delivery-count': count = 0 } = raw.properties.headers ?? {};
  return redeliveryPause(Number(count) + 1);
}

const aborted = (signal: AbortSignal) =>
  new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
