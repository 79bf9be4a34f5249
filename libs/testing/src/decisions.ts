import assert from 'node:assert/strict';
import type {
  CloudEvent,
  Decision,
  EffectHandler,
  EventHandler,
  Keys,
  NewEffect,
  NewEvent,
  Row,
  Rows,
  Tables,
  Writes,
} from '@order-events/messaging';

/** What a decision table needs of an effect: the part without the call. */
type EffectAnswer<T extends Tables> = Omit<EffectHandler<T>, 'call'>;

/** A row of one of these tables. */
export type RowIn<T extends Tables, N extends keyof T> = Rows<T>[N] extends ReadonlyMap<string, infer R> ? R : never;

/** What a service decides. */
export interface Decisions<T extends Tables> {
  tables: T;
  handlers: readonly EventHandler<T>[];
  answers: readonly EffectAnswer<T>[];
}

/**
 * Runs a service's decisions on rows in memory: no store, no broker, no inbox. Holds each decision to what the pipeline
 * relies on: it writes only rows that its keys name, one version later, tells of them once, and intends no effect twice.
 */
export class DecidingService<T extends Tables> {
  /** Everything published so far. */
  readonly events: NewEvent[] = [];
  /** Every effect intended so far. */
  readonly effects: NewEffect[] = [];
  /** Those that are still to be answered. */
  readonly open: NewEffect[] = [];
  private readonly rows: Record<string, Map<string, Row>>;
  private readonly appended: Record<string, Row[]> = {};

  constructor(private readonly decisions: Decisions<T>) {
    this.rows = Object.fromEntries(Object.keys(decisions.tables).map((name) => [name, new Map<string, Row>()]));
  }

  /** The rows of a table that is not appended to, by key. */
  table<N extends keyof T & string>(name: N): Rows<T>[N] {
    return this.rows[name] as unknown as Rows<T>[N];
  }

  /** The rows of an appended table, oldest first. */
  log<N extends keyof T & string>(name: N): readonly RowIn<T, N>[] {
    return (this.appended[name] ?? []) as RowIn<T, N>[];
  }

  /** Puts rows there that no decision makes. */
  put(rows: Writes<T>): void {
    for (const { name, key, row } of this.named(rows)) this.rows[name]!.set(key, row);
  }

  /** Decides an event, and returns what that published. */
  handle(event: CloudEvent): readonly NewEvent[] {
    const handler = this.decisions.handlers.find(({ topic }) => topic === event.type);
    assert(handler, `no handler for ${event.type}`);
    return this.decide(handler.keys(event), (rows) => handler.decide(rows, event) as Decision<T>);
  }

  /** Closes an open effect with its answer, and returns what that published. */
  answer(effect: NewEffect, answer: unknown): readonly NewEvent[] {
    const handler = this.decisions.answers.find(({ kind }) => kind === effect.kind);
    assert(handler, `nobody decides the answer of ${effect.kind}`);
    assert(this.open.includes(effect), `${effect.idempotencyKey} is not open`);
    this.open.splice(this.open.indexOf(effect), 1);
    return this.decide(handler.keys(effect.input), (rows) => handler.decide(rows, effect.input, answer));
  }

  /** Decides something that is neither an event nor an answer, and returns what that published. */
  decide(keys: Keys<T>, decide: (rows: Rows<T>) => Decision<T>): readonly NewEvent[] {
    const locked = this.lock(keys);
    const { rows = {}, events = [], effects = [] } = decide(locked as unknown as Rows<T>);
    const written = this.named(rows);
    for (const { name, key, row } of written) this.write(locked, name, key, row);
    for (const { type, subject, sequence } of events) {
      const told = written.some(({ key, row }) => key === subject && row.version === sequence);
      assert(told, `${type} does not carry the version of a row that was written with it`);
    }
    assert(new Set(events.map(({ subject }) => subject)).size === events.length, 'two events of one row');
    for (const { idempotencyKey } of effects)
      assert(
        !this.effects.some((known) => known.idempotencyKey === idempotencyKey),
        `${idempotencyKey} intended twice`,
      );
    this.events.push(...events);
    this.effects.push(...effects);
    this.open.push(...effects);
    return events;
  }

  /** An independent copy. */
  clone(): DecidingService<T> {
    const copy = new DecidingService(this.decisions);
    for (const [name, rows] of Object.entries(this.rows)) copy.rows[name] = new Map(rows);
    for (const [name, rows] of Object.entries(this.appended)) copy.appended[name] = [...rows];
    copy.events.push(...this.events);
    copy.effects.push(...this.effects);
    copy.open.push(...this.open);
    return copy;
  }

  private lock(keys: Keys<T>): Record<string, Map<string, Row>> {
    const locked: Record<string, Map<string, Row>> = {};
    for (const [name, { rows, blank }] of Object.entries(this.decisions.tables)) {
      const entries = (keys[name] ?? []).map((key) => {
        const row = this.rows[name]!.get(key) ?? (rows === 'made' ? (blank!(key) as Row) : undefined);
        return [key, row && structuredClone(row)] as const;
      });
      locked[name] = new Map(entries.filter((entry): entry is [string, Row] => entry[1] !== undefined));
    }
    return locked;
  }

  private write(locked: Record<string, Map<string, Row>>, name: string, key: string, row: Row): void {
    if (this.decisions.tables[name]!.rows === 'appended') {
      (this.appended[name] ??= []).push(row);
      return;
    }
    const before = locked[name]!.get(key);
    assert(before, `a decision wrote a row that its keys do not name: ${name} ${key}`);
    assert.equal(row.version, before.version + 1, `the version of ${name} ${key}`);
    this.rows[name]!.set(key, row);
  }

  private named(rows: Writes<T>): { name: string; key: string; row: Row }[] {
    return (Object.entries(rows) as [string, Row[]][]).flatMap(([name, list]) => {
      const table = this.decisions.tables[name];
      assert(table, `there is no table ${name}`);
      return list.map((row) => ({ name, key: row[table.key as keyof Row] as unknown as string, row }));
    });
  }
}

/**
 * Every way in which events can reach a service, each of them twice, in every order, and with the answers to its effects
 * at every point in between. Yields the service at the end of each run.
 */
export function* everyRun<T extends Tables>(
  service: DecidingService<T>,
  events: readonly CloudEvent[],
  answer: (effect: NewEffect, service: DecidingService<T>) => unknown = () =>
    assert.fail('an effect that nobody answers'),
): Generator<DecidingService<T>> {
  yield* everyWay(service, [...events, ...events], answer);
}

function* everyWay<T extends Tables>(
  service: DecidingService<T>,
  deliveries: readonly CloudEvent[],
  answer: (effect: NewEffect, service: DecidingService<T>) => unknown,
): Generator<DecidingService<T>> {
  if (deliveries.length === 0 && service.open.length === 0) yield service;
  for (const event of new Set(deliveries)) {
    const next = service.clone();
    next.handle(event);
    yield* everyWay(next, deliveries.toSpliced(deliveries.indexOf(event), 1), answer);
  }
  for (const effect of service.open) {
    const next = service.clone();
    next.answer(effect, answer(effect, service));
    yield* everyWay(next, deliveries, answer);
  }
}

/** The different values among those that a look at each run's end gives. */
export function ends<T extends Tables, V>(
  runs: Iterable<DecidingService<T>>,
  look: (service: DecidingService<T>) => V,
): V[] {
  const different = new Map<string, V>();
  for (const service of runs) {
    const value = look(service);
    different.set(JSON.stringify(value), value);
  }
  return [...different.values()];
}
