import { counters, FaultyStore, VirtualRuntime } from '@order-events/testing';
import { MemoryDatabase, MemoryStore } from '@order-events/store';
import {
  encode,
  noTracer,
  Pipeline,
  systemRuntime,
  tenTries,
  type Arrival,
  type AtLeastOnce,
  type CloudEvent,
  type Consumer,
  type Decision,
  type EventHandler,
  type Known,
  type LogRecord,
  type Message,
  type Observer,
  type OpenEffect,
  type Rows,
  type Tracer,
} from '../src/index';

type Counters = typeof counters;

export const GROUP = 'counting';

/** An event about an order, as it comes from a broker. */
export function reserved(order: string, id = systemRuntime.eventId(), traceparent?: string): Message {
  const event = { type: 'inventory.reserved', subject: order, sequence: 1, data: { order_id: order } } as const;
  const { topic, key, headers, body } = encode(event, id, {
    source: '/inventory',
    ...(traceparent && { traceparent }),
  });
  return { topic, key, headers, body };
}

/** What the machinery tells of itself. */
export class Notes implements Observer {
  readonly outcomes: string[] = [];
  readonly errors: string[] = [];
  readonly publications = { stored: 0, failed: 0, refused: 0 };
  holds = 0;
  readonly done: OpenEffect[] = [];
  readonly outside: string[] = [];

  published(count: number): void {
    this.publications.stored += count;
  }
  publishFailed(count: number): void {
    this.publications.failed += count;
  }
  refused(): void {
    this.publications.refused++;
  }
  handled(_: Arrival, outcome: string, error?: Error): void {
    this.outcomes.push(outcome);
    if (error) this.errors.push(error.message);
  }
  held(): void {
    this.holds++;
  }
  effectDone(effect: OpenEffect): void {
    this.done.push(effect);
  }
  effectFailed(_: OpenEffect, error: Error): void {
    this.errors.push(error.message);
  }
  answerFailed(_: OpenEffect, error: Error): void {
    this.errors.push(error.message);
  }
  outsideAway(away: boolean): void {
    this.outside.push(away ? 'away' : 'back');
  }
  loopFailed(loop: string, error: Error): void {
    this.errors.push(`${loop}: ${error.message}`);
  }
}

/** A service that counts the events of each order, tells of each, and makes a call for each that asks for one. */
export class Counting {
  readonly runtime = new VirtualRuntime();
  readonly notes = new Notes();
  readonly database = new MemoryDatabase(this.runtime);
  readonly store = this.process();
  /** Runs before each decision; a test lets it throw. */
  meddle: (event: CloudEvent<'inventory.reserved'>) => void = () => {};
  tracer: Tracer = noTracer;

  /** Of a service whose events may be handled again: what its process knows. */
  atLeastOnce: AtLeastOnce | undefined;

  /** The store as another process of the service has it. */
  process(): FaultyStore {
    return new FaultyStore(new MemoryStore(this.database, this.runtime));
  }

  pipeline(store = this.store, caution?: { isOn: boolean }): Pipeline<Counters> {
    const { runtime, notes: observer, tracer } = this;
    return new Pipeline({ consumer: this.consumer(), store, runtime, observer, caution, tracer });
  }

  /** How often the order was counted. */
  async count(order: string): Promise<number> {
    const rows = await this.store.transact((tx) => tx.lock(counters, { counters: [order] }));
    return rows.counters.get(order)!.count;
  }

  /** The state of each of these messages in the inbox. */
  async states(messages: readonly Message[]): Promise<(Known | undefined)[]> {
    const ids = messages.map(({ headers }) => headers['ce-id']!);
    const held = await this.store.transact((tx) => tx.held(GROUP, ids));
    return ids.map((id) => held.get(id));
  }

  get published(): readonly LogRecord[] {
    return this.database.outbox;
  }

  /** What counting an order leads to. */
  static count(rows: Rows<Counters>, order: string): Decision<Counters> {
    const row = rows.counters.get(order)!;
    const next = { ...row, version: row.version + 1, count: row.count + 1 };
    return {
      rows: { counters: [next] },
      events: [{ type: 'payment.voided', subject: order, sequence: next.version, data: { order_id: order } }],
    };
  }

  private consumer(): Consumer<Counters> {
    const handler: EventHandler<Counters, 'inventory.reserved'> = {
      topic: 'inventory.reserved',
      keys: ({ subject }) => ({ counters: [subject] }),
      decide: (rows, event) => {
        this.meddle(event);
        return Counting.count(rows, event.subject);
      },
    };
    const handlers = new Map([[handler.topic, handler]]);
    const { atLeastOnce } = this;
    return {
      group: GROUP,
      source: '/counting',
      maxEventBytes: 1_000,
      tables: counters,
      handlers,
      retry: tenTries,
      ...(atLeastOnce && { atLeastOnce }),
    };
  }
}
