import assert from 'node:assert/strict';
import {
  EffectRunner,
  encode,
  Pipeline,
  systemRuntime,
  tenTries,
  type CloudEvent,
  type EffectHandler,
  type InboxState,
  type Keys,
  type Message,
  type NewEffect,
  type NewEvent,
  type Observer,
  type Store,
  type Tables,
} from '@order-events/messaging';
import type { Decisions, RowIn } from './decisions';
import { withClient } from './postgres/client';
import { testDatabase } from './postgres/test-database';
import type { ServiceDatabase } from './service-database';
import { eventually } from './eventually';

/** A service that runs twice on one database. */
export interface TwoReplicasOptions<T extends Tables, S extends Store> extends Decisions<T> {
  /** Its consumer group. */
  group: string;
  database: ServiceDatabase<S>;
  /** What the outside answers to a call; the same to the same call, however often it is made. */
  answer?(effect: Omit<NewEffect, 'key'>): unknown;
}

/** What became of one order, as far as it can be seen from outside. */
export interface OrderEnd {
  /** Kinds of the effects, oldest first; all of them are closed. */
  asked: string[];
  /** Types of the events that were published, oldest first. */
  told: string[];
  /** Types of the events that became dead letters; all others are applied. */
  dead: string[];
}

interface Replica<T extends Tables, S extends Store> {
  store: S;
  pipeline: Pipeline<T>;
  /** How many events it hands over at once. */
  batch: number;
}

/** So few orders are under way at a time that both replicas are busy with the same ones. */
const ORDERS_AT_ONCE = 10;

/**
 * Two replicas of one service, a store, a pipeline and an effect runner each. They share nothing but the database, to
 * which each has connections of its own; so it sees what two processes would do, though both run in the test's. Events
 * are let in to both at the same moment, doubled, and in a different order each.
 */
export class TwoReplicas<T extends Tables, S extends Store = Store> {
  readonly replicas: readonly [Replica<T, S>, Replica<T, S>];
  private readonly failures: Error[] = [];
  private readonly calls: string[] = [];
  private readonly stopping = new AbortController();
  private readonly runners: Promise<void>[];
  private readonly random = seeded(1);

  private constructor(
    private readonly options: TwoReplicasOptions<T, S>,
    readonly url: string,
    private readonly drop: () => Promise<void>,
  ) {
    const { group, database, tables, handlers } = options;
    const byTopic = new Map(handlers.map((handler) => [handler.topic, handler]));
    const consumer = {
      group,
      source: `/${group}`,
      maxEventBytes: 1_000_000,
      tables,
      handlers: byTopic,
      retry: tenTries,
    };
    const shared = { runtime: systemRuntime, observer: this.observer() };
    const onError = (error: Error) => void this.failures.push(error);
    const replica = (applicationName: string, batch: number): Replica<T, S> => {
      const store = database.store({ url, applicationName, onError });
      return { store, pipeline: new Pipeline({ consumer, store, ...shared }), batch };
    };
    this.replicas = [replica('replica 1', 5), replica('replica 2', 7)];
    const effects = options.answers.map((answer) => this.effectHandler(answer));
    this.runners = this.replicas.map(({ store }) =>
      new EffectRunner({
        source: `/${group}`,
        maxEventBytes: 1_000_000,
        tables,
        handlers: effects,
        store,
        parallel: 4,
        ...shared,
      }).run(this.stopping.signal),
    );
  }

  /** On a new database. */
  static async start<T extends Tables, S extends Store>(options: TwoReplicasOptions<T, S>): Promise<TwoReplicas<T, S>> {
    const { url, drop } = await testDatabase();
    await options.database.migrate(url);
    return new TwoReplicas(options, url, drop);
  }

  /** On a new database, for as long as `work` takes. */
  static async during<T extends Tables, S extends Store, R>(
    options: TwoReplicasOptions<T, S>,
    work: (two: TwoReplicas<T, S>) => Promise<R>,
  ): Promise<R> {
    const two = await TwoReplicas.start(options);
    try {
      return await work(two);
    } finally {
      await two.close();
    }
  }

  /**
   * Delivers the events of these orders to both replicas, and waits until nothing is left to do. Checks what holds
   * for every service: each event is in the inbox, decided or dead; no event is published twice, and sequences rise;
   * each effect is called once and closed.
   * @param alongside something else that happens to an order at the same moment.
   * @returns how each order ended, in the order given.
   */
  async race(
    orders: readonly string[],
    eventsOf: (order: string) => readonly CloudEvent[],
    alongside: (order: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<OrderEnd[]> {
    const messages = new Map(orders.map((order) => [order, eventsOf(order).map(message)]));
    for (let from = 0; from < orders.length; from += ORDERS_AT_ONCE) {
      const some = orders.slice(from, from + ORDERS_AT_ONCE);
      const all = some.flatMap((order) => messages.get(order)!);
      await this.atOnce(() => [
        ...this.replicas.map((replica) => deliver(replica, shuffled([...all, ...all], this.random))),
        ...some.map(alongside),
      ]);
    }
    await eventually(async () => (await this.sql(`SELECT FROM effects WHERE state <> 'closed' LIMIT 1`)).length === 0);
    return Promise.all(orders.map((order) => this.endOf(order, messages.get(order)!)));
  }

  /** The row of each order in a table that has one for every order, in the order given. */
  async rows<N extends keyof T & string, R>(
    table: N,
    orders: readonly string[],
    look: (row: RowIn<T, N>) => R,
  ): Promise<R[]> {
    const { tables } = this.options;
    const { [table]: rows } = await this.replicas[0].store.transact((tx) =>
      tx.lock(tables, { [table]: orders } as Keys<T>),
    );
    return orders.map((order) => look(rows.get(order) as never));
  }

  async sql<R extends object>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return withClient(this.url, async (client) => (await client.query<R>(text, [...values])).rows);
  }

  /** @throws AssertionError if anything failed meanwhile that had no reason to. */
  async close(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.runners);
    await Promise.all(this.replicas.map(({ store }) => store.close()));
    await this.drop();
    assert.deepEqual(this.failures, []);
  }

  /** Starts the work before a gate, and opens it when both replicas stand there: from then on they race. */
  private async atOnce(start: () => readonly Promise<void>[]): Promise<void> {
    const { name } = Object.values(this.options.tables)[0]!;
    let running: readonly Promise<void>[] = [];
    await withClient(this.url, async (gate) => {
      await gate.query('BEGIN');
      await gate.query(`LOCK TABLE ${name} IN EXCLUSIVE MODE`);
      running = start();
      await eventually(async () => {
        // Within a transaction the view of other sessions would stay as it was first seen.
        await gate.query('SELECT pg_stat_clear_snapshot()');
        const { rows } = await gate.query(
          `SELECT DISTINCT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
           WHERE NOT granted AND relation = $1::regclass`,
          [name],
        );
        return rows.length === this.replicas.length;
      });
      await gate.query('COMMIT');
    });
    await Promise.all(running);
  }

  private async endOf(order: string, messages: readonly (Message & { id: string })[]): Promise<OrderEnd> {
    const inbox = await this.sql<{ id: string; topic: string; state: InboxState }>(
      'SELECT id, topic, state FROM inbox WHERE id = ANY ($1::uuid[])',
      [messages.map(({ id }) => id)],
    );
    assert.deepEqual(inbox.map(({ id }) => id).sort(), messages.map(({ id }) => id).sort(), `the inbox of ${order}`);
    const dead = inbox.filter(({ state }) => state === 'dead').map(({ topic }) => topic);
    const applied = inbox.filter(({ state }) => state === 'applied');
    assert.equal(applied.length + dead.length, inbox.length, `an event of ${order} is neither applied nor dead`);

    const events = await this.sql<{ topic: string; sequence: number }>(
      `SELECT topic, (headers ->> 'ce-sequence')::integer AS sequence FROM outbox WHERE key = $1 ORDER BY position`,
      [order],
    );
    const told = events.map(({ topic }) => topic);
    assert.equal(new Set(told).size, told.length, `${order} was told of twice: ${told.join(', ')}`);
    for (const [index, { sequence }] of events.entries())
      assert(sequence > (events[index - 1]?.sequence ?? 0), `the sequence of ${order} does not rise`);

    const effects = await this.sql<{ kind: string; idempotency_key: string }>(
      'SELECT kind, idempotency_key FROM effects WHERE key = $1 ORDER BY seq',
      [order],
    );
    for (const { idempotency_key } of effects)
      assert.equal(this.calls.filter((key) => key === idempotency_key).length, 1, `calls of ${idempotency_key}`);
    return { asked: effects.map(({ kind }) => kind), told, dead };
  }

  private effectHandler(answer: Decisions<T>['answers'][number]): EffectHandler<T> {
    return {
      ...answer,
      call: (input, { idempotencyKey }) => {
        this.calls.push(idempotencyKey);
        return Promise.resolve(this.options.answer?.({ kind: answer.kind, idempotencyKey, input }));
      },
    };
  }

  private observer(): Observer {
    const failed = (_: unknown, error: Error) => void this.failures.push(error);
    const nothing = () => undefined;
    return {
      held: failed,
      loopFailed: failed,
      effectFailed: failed,
      answerFailed: failed,
      handled: nothing,
      effectDone: nothing,
      outsideAway: nothing,
      refused: nothing,
      published: nothing,
      publishFailed: nothing,
    };
  }
}

function message(event: CloudEvent): Message & { id: string } {
  return encode(event as unknown as NewEvent, systemRuntime.eventId(), { source: event.source });
}

async function deliver<T extends Tables>(
  { pipeline, batch }: Replica<T, Store>,
  messages: readonly Message[],
): Promise<void> {
  for (let from = 0; from < messages.length; from += batch) await pipeline.handle(messages.slice(from, from + batch));
}

function shuffled<V>(values: readonly V[], random: () => number): V[] {
  return values
    .map((value) => ({ value, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);
}

/** Numbers from 0 to 1 that look like chance and are the same in each run (a linear congruential generator). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}
