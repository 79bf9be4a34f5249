import { setMaxListeners } from 'node:events';
import { backoff, systemRuntime, within, type Message } from '@order-events/messaging';
import type { Consumer as Member, EachBatchPayload } from 'kafkajs';
import { byNumber } from './assigner';
import { Client, REQUEST_MS, retry } from './client';
import type { ConsumerOptions } from './consumer';
import { afterCalls } from './handover';
import { Lanes } from './lanes';
import { clientIdOf, saysRemoved } from './removal';
import { PARTITIONS, REBALANCE_MS, SESSION_MS } from './topology';
import { fromKafka } from './wire';

export interface SessionOptions extends ConsumerOptions {
  groupId: string;
  /** Of a follower: where to read on. It is kept up to date, instead of at the broker. */
  places: Map<string, Place> | undefined;
  succeeded(): void;
}

/** The next offset to read of a partition. The topic has its prefix. */
export interface Place {
  topic: string;
  partition: number;
  offset: string;
}

/** A message in our hands, and its place. */
interface Held extends Place {
  message: Message;
  resolveOffset(offset: string): void;
}

/** How often a member shows that it lives, and hears of a rebalance. */
const HEARTBEAT_MS = 1_000;
/** How long a broker keeps a request for messages while there are none. */
const POLL_MS = 300;
/**
 * How long the fetching of the others waits for a call. Most calls are shorter, and what has gathered during one makes
 * the next one larger; a partition that was left out of a fetch may wait POLL_MS for the next.
 */
const PATIENCE_MS = 100;
/** Joining a group is what the client does for the longest time without a word. */
const SILENCE_MS = REBALANCE_MS + 2 * REQUEST_MS;

/**
 * The life of one consumer of the client, until it fails. The client's own restarts are off: they go on with what made
 * it fail, and leave it stopped after some errors.
 */
export class Session {
  /** By which the group knows it, also when it could not take its leave. */
  memberId: string | undefined;
  private readonly client: Client;
  private readonly member: Member;
  private readonly lanes: Lanes<Held>;
  private readonly ended = new AbortController();
  /** Handled, and not acknowledged: it is tried again. */
  private readonly unacknowledged = new Map<string, Place>();
  private assigned: ReadonlySet<string> = new Set();
  /** After a failure: when its partition may be read again. */
  private readonly rests = new Map<string, Promise<void>>();
  private fail: (error: Error) => void = () => {};
  private readonly failed = new Promise<never>((_, reject) => (this.fail = reject));
  private heartbeat: () => Promise<void> = () => Promise.resolve();
  private lastSign = performance.now();
  /** It was told that this is no member any more, and has not joined again. */
  private isRemoved = false;

  constructor(private readonly options: SessionOptions) {
    const { settings, process } = options;
    const applicationName = process === undefined ? settings.applicationName : clientIdOf(settings, process);
    this.client = new Client({ ...settings, applicationName }, (error) => this.tell(error));
    this.member = this.client.kafka.consumer({
      groupId: options.groupId,
      partitionAssigners: [byNumber],
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: POLL_MS,
      allowAutoTopicCreation: false,
      retry: { ...retry, restartOnFailure: () => Promise.resolve(false) },
    });
    this.lanes = new Lanes({ ...options, run: (batch, failures) => this.hand(batch, failures) });
    // Each partition that waits for its next try listens.
    setMaxListeners(0, this.ended.signal);
    this.listen();
  }

  /** Until the signal, or a failure. Resolves when what was handled is acknowledged, to whether there was no failure. */
  async run(signal: AbortSignal): Promise<boolean> {
    const starting = this.start();
    let stop = () => {};
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    signal.addEventListener('abort', stop);
    const pulse = setInterval(() => void this.pulse(), HEARTBEAT_MS);
    try {
      if (!signal.aborted) await Promise.race([stopped, this.failed, starting.then(() => this.failed)]);
      return true;
    } catch (error) {
      // Told at once, for the running calls may take long.
      this.tell(error as Error);
      return false;
    } finally {
      signal.removeEventListener('abort', stop);
      this.lanes.stop();
      await this.lanes.idle();
      clearInterval(pulse);
      this.ended.abort();
      await this.leave(starting);
    }
  }

  private async start(): Promise<void> {
    const { topology, topics } = this.options;
    await this.member.connect();
    // Where a group has no place, nothing of the partition was ever handled.
    await this.member.subscribe({ topics: topics.map(topology.name), fromBeginning: true });
    await this.member.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: topics.length * PARTITIONS,
      eachBatch: afterCalls(
        (payload) => this.take(payload),
        (work) => this.lanes.between(work),
      ),
    });
  }

  private async leave(starting: Promise<void>): Promise<void> {
    // Whoever disconnects while it joins has a member that nobody knows of. Why it could not start is known already.
    const left = starting.catch(() => undefined).then(() => this.member.disconnect());
    await within('Kafka', REQUEST_MS / 2, left).catch(this.options.onError);
    this.client.end();
  }

  private listen(): void {
    const { member, options } = this;
    const { events } = member;
    const sign = () => (this.lastSign = performance.now());
    member.on(events.HEARTBEAT, sign);
    member.on(events.FETCH, () => {
      sign();
      options.succeeded();
    });
    member.on(events.GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
      sign();
      this.memberId = memberId;
      const places = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => key({ topic, partition })),
      );
      this.assigned = new Set(places);
      this.isRemoved = false;
      // What is unacknowledged is delivered again, to whom it belongs now.
      this.unacknowledged.clear();
      for (const place of options.places?.values() ?? []) member.seek(place);
    });
    member.on(events.REBALANCING, () => options.onError(new Error(`the group ${options.groupId} is rebalanced`)));
    member.on(events.CRASH, ({ payload: { error } }) => this.fail(error));
    member.on(events.REQUEST_TIMEOUT, ({ payload: { apiName, broker } }) =>
      this.fail(new Error(`no answer from Kafka at ${broker} to ${apiName} within ${REQUEST_MS} ms`)),
    );
  }

  /** Resolves when others may be fetched. Until its own messages are settled the partition is not read on. */
  private async take({ batch, resolveOffset, heartbeat, pause }: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = batch;
    // Asked for before the last rebalance, and somebody else's since.
    if (!this.assigned.has(key(batch))) return;
    const bare = topic.slice(this.options.topology.name('').length);
    this.heartbeat = heartbeat;
    const items = messages.map((message, index) => ({
      message: fromKafka(bare, message),
      topic,
      partition,
      // Whoever publishes in transactions leaves a mark behind the messages, which is nobody's to handle.
      offset: index === messages.length - 1 ? batch.lastOffset() : message.offset,
      resolveOffset,
    }));
    const settled = this.lanes.add(partition, items).then(() => this.rests.get(key(batch)));
    if (!(await this.isSoon(settled))) void settled.then(pause());
    // Nothing else was there, so that the next batch would be small: more may gather meanwhile.
    else if (batch.offsetLag() === '0') await systemRuntime.sleep(this.options.waitMs);
  }

  /** While others could only be added to those that wait for a free call, it is waited for too. */
  private async isSoon(settled: Promise<void>): Promise<boolean> {
    const soon = new AbortController();
    void settled.then(() => soon.abort());
    do await systemRuntime.sleep(PATIENCE_MS, soon.signal);
    while (!soon.signal.aborted && this.lanes.crowded);
    return soon.signal.aborted;
  }

  private async hand(batch: readonly Held[], failures: number): Promise<boolean> {
    const { handle, acknowledgeFirst } = this.options;
    const messages = batch.map(({ message }) => message);
    try {
      if (acknowledgeFirst) await this.acknowledgeUnhandled(batch);
      else await handle(messages);
    } catch (error) {
      this.tell(error as Error);
      const rest = systemRuntime.sleep(backoff(failures + 1, Math.random(), 100, 5_000), this.ended.signal);
      for (const name of lastOf(batch).keys()) this.rests.set(name, rest);
      return false;
    }
    if (acknowledgeFirst) return this.handOnce(messages);
    const last = lastOf(batch);
    for (const [name, held] of last) {
      held.resolveOffset(held.offset);
      (this.options.places ?? this.unacknowledged).set(name, placeAfter(held));
    }
    await this.acknowledge();
    return true;
  }

  private async handOnce(messages: readonly Message[]): Promise<true> {
    try {
      await this.options.handle(messages);
    } catch (error) {
      this.options.onError(error as Error);
    }
    return true;
  }

  /** Rejects when the brokers have not said that they know; then it is read again. */
  private async acknowledgeUnhandled(batch: readonly Held[]): Promise<void> {
    const last = lastOf(batch);
    if (!this.options.places) await this.commit([...last.values()].map(placeAfter));
    for (const [name, held] of last) this.options.places?.set(name, placeAfter(held));
    for (const held of last.values()) held.resolveOffset(held.offset);
  }

  private async acknowledge(): Promise<void> {
    const places = [...this.unacknowledged];
    if (places.length === 0) return;
    try {
      await this.commit(places.map(([, place]) => place));
      for (const [name, place] of places) {
        if (this.unacknowledged.get(name) === place) this.unacknowledged.delete(name);
      }
    } catch (error) {
      this.tell(error as Error);
    }
  }

  private tell(error: Error): void {
    const { onError, onRemoved, groupId } = this.options;
    if (!onRemoved || !saysRemoved(error)) return onError(error);
    // The client says it once for each request.
    if (!this.isRemoved) onRemoved(groupId);
    this.isRemoved = true;
  }

  private async commit(places: Place[]): Promise<void> {
    await within('Kafka', REQUEST_MS, this.member.commitOffsets(places));
  }

  /** The client itself shows no sign of life while calls are running. */
  private async pulse(): Promise<void> {
    if (performance.now() - this.lastSign > SILENCE_MS) this.fail(new Error('the Kafka client has fallen silent'));
    try {
      if (this.lanes.active) await this.heartbeat();
      await this.acknowledge();
    } catch {
      // The client hears the same in a moment, and joins again when the running calls have ended.
      this.lanes.drop();
    }
  }
}

export const key = ({ topic, partition }: Omit<Place, 'offset'>) => `${topic}/${partition}`;

const placeAfter = ({ topic, partition, offset }: Held): Place => ({
  topic,
  partition,
  offset: String(BigInt(offset) + 1n),
});

const lastOf = (batch: readonly Held[]) => new Map(batch.map((held) => [key(held), held]));
