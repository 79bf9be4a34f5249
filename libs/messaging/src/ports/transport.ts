/**
 * The transport port. An adapter's whole job is to move messages through one broker; retries, dead letters, delays and
 * duplicates are dealt with above it, from the service's own database.
 */

/** A message on the wire. Headers hold the CloudEvents attributes as `ce-<attribute>`, and `content-type`. */
export interface Message {
  topic: string;
  /** Messages of one key stay in order where the broker can do that. */
  key: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

/**
 * What became of one published message. Only proof that the broker stored it for every declared group is `stored`: nothing
 * of a topic that was not declared is, for there is no saying which groups it should wait for.
 */
export type Settlement =
  | { stored: true }
  /**
   * `refused`: for the message's own sake, and again next time. `unavailable`: outcome open, broker away or topic not
   * declared yet; try again.
   */
  | { stored: false; problem: 'refused' | 'unavailable'; detail: string };

export interface Capabilities {
  /** Messages of one key reach one handler at a time, in the order in which they were published. */
  order: 'key' | 'none';
  /** Of one message, headers included. */
  maxBytes: number;
  /** `backlog` does not count what other processes have in hand, because the broker tells nobody: its 0 is no proof. */
  unseenHands?: true;
  /** What is published to a topic that was not declared makes it, and waits for the first group that is declared then. */
  makesTopics?: true;
  /**
   * The broker keeps nothing and passes messages on to the processes that are connected now. `stored` means: of every declared
   * group that has a process there, one holds the message in memory. A group without any loses it, and a process that ends loses
   * what it had in hand, until the delivery audit has it published again.
   */
  fleeting?: true;
}

export interface Subscribe {
  /** The consumer group that shares the topics; null: every subscriber gets a copy of what comes from now on. */
  group: string | null;
  /** The name of this process, by which `release` may be told later that it has died. */
  process?: string;
  topics: readonly string[];
  /** Most messages handed over in one call. */
  batch: number;
  /** How long a batch that is not full waits for more, milliseconds. */
  waitMs: number;
  /** Most messages handed over and not yet acknowledged, all calls together. */
  inFlight: number;
  /** Most calls of the handler at the same time. Messages of one key are never in two calls at once. */
  parallel: number;
  /**
   * Messages are acknowledged before they are handed over, and only those are handed over of which the broker has said that
   * it knows: none comes again, whatever becomes of the handler or its process. What is under way meanwhile is lost.
   */
  acknowledgeFirst?: true;
  /**
   * Resolves: all of the batch is acknowledged. Rejects: none is; the transport delivers them again, to this or to
   * another member of the group. While it is pending the transport keeps its claim on them, however long that takes.
   */
  handle(batch: readonly Message[]): Promise<void>;
}

export interface Subscription {
  /** Stops fetching, waits for the running calls, acknowledges what they handled. Idempotent. */
  close(): Promise<void>;
}

/** A topic and the groups that must each find its events. Of one without groups every event counts as stored. */
export interface TopicDeclaration {
  topic: string;
  groups: readonly string[];
}

/** Of each group, the topics that it is declared to consume. */
export function topicsByGroup(declarations: readonly TopicDeclaration[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { topic, groups: names } of declarations)
    for (const group of names) groups.set(group, [...(groups.get(group) ?? []), topic]);
  return groups;
}

export interface Transport {
  readonly name: string;
  readonly capabilities: Capabilities;
  /**
   * Makes topics and groups, so that an event published from now on waits for each group. A new group of a topic that had
   * groups gets nothing older; one that is there stays where it is. Idempotent; for `setup`.
   */
  declare(topics: readonly TopicDeclaration[]): Promise<void>;
  /** Settles each message, in the order given. Rejects never: a broken connection is `unavailable` for each. */
  publish(batch: readonly Message[]): Promise<Settlement[]>;
  subscribe(subscribe: Subscribe): Promise<Subscription>;
  /**
   * Messages that wait for a group or are in its hands, all its topics together; with `unseenHands` those of this process
   * only. Rejects when the broker, or any part of it that may keep some of them, does not answer.
   */
  backlog(group: string): Promise<number>;
  /**
   * Whether any process consumes for the group now, as far as the broker knows: one that was killed counts until the broker
   * has noticed. False for a group that was not declared. Rejects when the broker does not answer.
   */
  isConsumed(group: string): Promise<boolean>;
  /**
   * These processes have died, as others have found out: what the broker keeps for them in the group is free for others at once.
   * Only where brokers do not see that by themselves at once. One of them that lives after all joins again by itself, and what
   * it has in hand is delivered once more. Rejects when the broker does not answer.
   */
  release?(group: string, processes: readonly string[]): Promise<void>;
  /** Resolves when the broker answers; for readiness. */
  ping(): Promise<void>;
  /** After all subscriptions were closed. Idempotent. */
  close(): Promise<void>;
}
