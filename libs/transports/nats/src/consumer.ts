import {
  backoff,
  KeyLanes,
  redeliveryPause,
  systemRuntime,
  type Message,
  type Subscribe,
  type Subscription,
} from '@order-events/messaging';
import { nanos, type Msg, type NatsConnection } from 'nats';
import { TIMEOUT_MS, type Connection } from './connection';
import { Pull } from './pull';
import { ACK_WAIT_MS, type Topology } from './topology';
import type { Wire } from './wire';

export interface ConsumerOptions extends Subscribe {
  connection: Connection;
  topology: Topology;
  wire: Wire;
  onError(error: Error): void;
}

/** A message in our hands. */
interface Held {
  key: string;
  message: Message;
  /** The subject on which the server hears about this delivery, on whatever connection. */
  reply: string;
}

const ACK = '+ACK';
const WORKING = '+WPI';
const NOT_NOW = '-NAK';
const ACK_TRIES = 3;
/** Then the reason for which there is no connection is told once more. */
const PATIENCE_MS = 60_000;

/** One member of a group, or one follower of a broadcast. What it holds survives a change of the connection. */
export class Consumer implements Subscription {
  /** Resolves when it consumes, or has failed to for the first time. */
  readonly started: Promise<void>;
  private start!: () => void;
  private readonly stop = new AbortController();
  private readonly held = new Set<Held>();
  private readonly lanes: KeyLanes<Held>;
  private readonly claim: NodeJS.Timeout;
  private readonly running: Promise<void>;
  private pull: Pull | undefined;
  /** The consumer of a follower. */
  private follower: string | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: ConsumerOptions) {
    this.started = new Promise((resolve) => (this.start = resolve));
    this.lanes = new KeyLanes({ ...options, run: (batch) => this.hand(batch) });
    this.claim = setInterval(() => this.tell(this.held, WORKING), ACK_WAIT_MS / 3);
    this.running = this.run();
  }

  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    this.stop.abort();
    this.giveBack(this.lanes.clear());
    await Promise.all([this.running, this.lanes.idle()]);
    clearInterval(this.claim);
    await this.unfollow();
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    // For the first attempt somebody may wait.
    for (let failures = 0, patience = TIMEOUT_MS; !signal.aborted; patience = PATIENCE_MS) {
      try {
        const connection = await this.options.connection.get(patience, signal);
        await this.consume(connection, signal, () => (failures = 0));
      } catch (error) {
        this.start();
        if (signal.aborted) return;
        this.options.onError(error as Error);
        await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
      }
    }
  }

  private async consume(connection: NatsConnection, signal: AbortSignal, succeeded: () => void): Promise<void> {
    const { topology, inFlight, group, wire } = this.options;
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${topology.stream}.${await this.name(connection)}`;
    this.start();
    const presence = group === null ? undefined : this.showUp(connection, wire.membersOf(group));
    const pull = new Pull(connection, {
      subject,
      room: () => inFlight - this.held.size,
      take: (msg) => {
        succeeded();
        this.take(msg);
      },
    });
    this.pull = pull;
    const close = () => void pull.close();
    signal.addEventListener('abort', close);
    if (signal.aborted) close();
    try {
      await pull.ended;
    } finally {
      signal.removeEventListener('abort', close);
      this.pull = undefined;
      if (!connection.isClosed()) presence?.unsubscribe();
      await pull.close();
    }
  }

  /** Whoever asks on the subject is told that there is somebody, as long as this connection lives. */
  private showUp(connection: NatsConnection, subject: string) {
    const callback = (error: Error | null, msg: Msg) => {
      if (error) this.options.onError(error);
      else msg.respond();
    };
    return connection.subscribe(subject, { callback });
  }

  private take(msg: Msg): void {
    const message = this.options.wire.message(msg);
    const held: Held = { key: message.key, message, reply: msg.reply ?? '' };
    if (this.stop.signal.aborted) return this.giveBack([held]);
    this.held.add(held);
    this.lanes.add(held);
  }

  private async hand(batch: readonly Held[]): Promise<void> {
    const { handle, onError, acknowledgeFirst } = this.options;
    if (acknowledgeFirst) return this.acknowledgeAndHand(batch).catch(onError);
    try {
      await handle(batch.map(({ message }) => message));
      await this.acknowledge(batch);
    } catch (error) {
      onError(error as Error);
      for (const held of batch) this.tell([held], `${NOT_NOW} ${JSON.stringify({ delay: nanos(delay(held)) })}`);
    }
    this.release(batch);
  }

  private async acknowledgeAndHand(batch: readonly Held[]): Promise<void> {
    const unproved = new Set(await this.acknowledge(batch));
    this.release(batch);
    const messages = batch.filter((held) => !unproved.has(held)).map(({ message }) => message);
    if (messages.length > 0) await this.options.handle(messages);
  }

  /**
   * Until the server has said that it knows, for an acknowledgement can get lost.
   * @returns those of which it has not
   */
  private async acknowledge(batch: readonly Held[]): Promise<readonly Held[]> {
    const { connection, onError } = this.options;
    let open = batch;
    for (let tries = 1; open.length > 0; tries++) {
      const results = await Promise.allSettled(
        open.map(async ({ reply }) => (await connection.get(TIMEOUT_MS)).request(reply, ACK, { timeout: TIMEOUT_MS })),
      );
      const failed = results.find((result) => result.status === 'rejected');
      if (!failed) break;
      open = open.filter((_, index) => results[index]!.status === 'rejected');
      onError(new Error(`${open.length} messages could not be acknowledged`, { cause: failed.reason }));
      // They come again.
      if (tries === ACK_TRIES || this.stop.signal.aborted) return open;
      await systemRuntime.sleep(backoff(tries, Math.random(), 100, 2_000));
    }
    return [];
  }

  private giveBack(some: readonly Held[]): void {
    this.tell(some, NOT_NOW);
    this.release(some);
  }

  private release(some: readonly Held[]): void {
    for (const held of some) this.held.delete(held);
    this.pull?.more();
  }

  /** Says it without waiting for an answer. What gets lost the server finds out after the acknowledgement wait. */
  private tell(some: Iterable<Held>, word: string): void {
    const connection = this.options.connection.now;
    if (!connection || connection.isClosed()) return;
    for (const { reply } of some) connection.publish(reply, word);
  }

  /** Of the group's consumer, or of our own, made again if the server has lost it. */
  private async name(connection: NatsConnection): Promise<string> {
    const { group, topics, topology, wire, onError } = this.options;
    if (group !== null) return wire.name(group);
    const jsm = await connection.jetstreamManager({ checkAPI: false, timeout: TIMEOUT_MS });
    if (this.follower !== undefined) {
      const kept = this.follower;
      this.follower = await jsm.consumers.info(topology.stream, kept).then(
        () => kept,
        (error: Error) => void onError(new Error(`a broadcast was interrupted: ${error.message}`, { cause: error })),
      );
    }
    return (this.follower ??= await topology.follow(jsm, topics));
  }

  private async unfollow(): Promise<void> {
    const { connection, topology, onError } = this.options;
    if (this.follower === undefined || !connection.now) return;
    const jsm = await connection.now.jetstreamManager({ checkAPI: false, timeout: TIMEOUT_MS });
    // Without us it ends by itself.
    await jsm.consumers.delete(topology.stream, this.follower).catch((error: unknown) => onError(error as Error));
  }
}

/** Milliseconds until a message comes again, longer each time it was delivered. */
function delay({ reply }: Held): number {
  const parts = reply.split('.');
  // $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>…; old servers leave the first two away.
  const deliveries = Number(parts[parts.length === 9 ? 4 : 6]);
  return redeliveryPause(deliveries);
}
