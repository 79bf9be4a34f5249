import type { Topic } from '@order-events/contracts';
import { encode, type Publisher } from '../cloud-events';
import { deadLettered } from '../dead-lettered';
import {
  DeadLetterError,
  type Cause,
  type Decision,
  type EventHandler,
  type Keys,
  type Rows,
  type Tables,
} from '../decision';
import type { Runtime } from '../ports/runtime';
import type { EffectEntry, InboxEntry, InboxState, Known, OutboxEntry, Tx } from '../ports/store';
import type { RetryPolicy } from '../retry-policy';
import { triesOf, type Arrival } from './arrival';
import type { AtLeastOnce } from './at-least-once';
import { knownOf } from './known';
import { unionKeys, Workspace } from './workspace';

/** What one service does with the events that it consumes. */
export interface Consumer<T extends Tables> extends Publisher {
  group: string;
  tables: T;
  handlers: ReadonlyMap<Topic, EventHandler<T>>;
  retry: RetryPolicy;
  /** Of the topics whose events may be handled again. */
  atLeastOnce?: AtLeastOnce;
}

export interface Outcome {
  arrival: Arrival;
  state: InboxState | 'duplicate';
  error?: Error;
}

/** How long an event of a version that is not known yet waits until it is looked at again. */
const UNKNOWN_VERSION_MS = 60_000;
/** And one that could not be decided through no fault of its own: nothing is counted that would let the pause grow. */
const NOBODYS_FAULT_MS = 2_000;

/** Decides a batch within one transaction: lock, skip what the inbox holds, decide each in memory, write once. */
export async function decideBatch<T extends Tables>(
  tx: Tx,
  consumer: Consumer<T>,
  arrivals: readonly Arrival[],
  runtime: Runtime,
): Promise<Outcome[]> {
  const plans = arrivals.map((arrival) => plan(consumer, arrival));
  const keys = unionKeys(
    consumer.tables,
    plans.flatMap((plan) => (plan instanceof Error ? [] : [plan.keys])),
  );
  // The inbox after the locks: whoever held them before us has committed its entry by then.
  const [rows, held] = await Promise.all([tx.lock(consumer.tables, keys), knownOf(tx, consumer, arrivals)]);
  const workspace = new Workspace(consumer.tables, rows);

  const { source, maxEventBytes } = consumer;
  const outcomes: Outcome[] = [];
  const entries: InboxEntry[] = [];
  const events: OutboxEntry[] = [];
  const effects: EffectEntry[] = [];
  for (const [index, arrival] of arrivals.entries()) {
    const known = held.get(arrival.id);
    if (isTooOld(arrival, known)) {
      outcomes.push({ arrival, state: 'expired' });
      entries.push(expired(arrival));
      held.set(arrival.id, 'expired');
      continue;
    }
    if (!isNews(arrival, known)) {
      outcomes.push({ arrival, state: 'duplicate' });
      continue;
    }
    let entry: InboxEntry;
    let error: Error | undefined;
    try {
      const planned = plans[index]!;
      if (planned instanceof Error) throw planned;
      const decision = await planned.decide(workspace.rows);
      const cause = causeOf(arrival);
      const encoded = (decision.events ?? []).map((event) =>
        encode(event, runtime.eventId(), { source, maxEventBytes, ...cause }),
      );
      workspace.apply(decision.rows);
      events.push(...encoded);
      for (const effect of decision.effects ?? []) effects.push({ ...effect, ...cause });
      const { id, topic, key, again } = arrival;
      entry = { id, topic, key, state: 'applied', retried: again };
    } catch (thrown) {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
      entry = failed(consumer, arrival, error, runtime);
      events.push(...told(consumer, entry, runtime));
    }
    held.set(arrival.id, entry.state);
    if (entry.state !== 'applied' || !consumer.atLeastOnce?.covers(arrival)) entries.push(entry);
    outcomes.push({ arrival, state: entry.state, error });
  }

  await Promise.all([
    tx.write(consumer.tables, workspace.writes()),
    tx.take(consumer.group, entries),
    tx.intend(effects),
    tx.append(events),
  ]);
  return outcomes;
}

/** A delivery counts if the inbox does not hold it; another try, if it still waits for one. */
export function isNews(arrival: Arrival, known: Known | undefined): boolean {
  return arrival.again ? known === 'retrying' : known === undefined;
}

/** A delivery that may have been decided long ago: nobody knows any more, so it is not decided again. */
export function isTooOld(arrival: Arrival, known: Known | undefined): boolean {
  return !arrival.again && known === 'forgotten';
}

export function expired({ id, topic, key }: Arrival): InboxEntry {
  return { id, topic, key, state: 'expired' };
}

/**
 * The inbox entry of an event that could not be decided: another try later, or a dead letter.
 * @param counts whether this was one of its tries
 */
export function failed<T extends Tables>(
  consumer: Consumer<T>,
  arrival: Arrival,
  error: Error,
  runtime: Runtime,
  counts = true,
): InboxEntry {
  const attempts = counts ? triesOf(arrival) : arrival.attempts;
  const { id, topic, key, message } = arrival;
  const waits = !arrival.reading.ok && arrival.reading.waits;
  const delayMs = waits
    ? UNKNOWN_VERSION_MS
    : error instanceof DeadLetterError
      ? null
      : counts
        ? consumer.retry(attempts, runtime.random())
        : NOBODYS_FAULT_MS;
  const { crashes } = arrival;
  const failure = {
    message,
    error: `${error.name}: ${error.message}`,
    attempts,
    ...(crashes !== undefined && { crashes }),
  };
  return delayMs === null
    ? { id, topic, key, state: 'dead', failure }
    : { id, topic, key, state: 'retrying', failure: { ...failure, delayMs } };
}

/** What is told of an event that is a dead letter from now on. */
export function told(
  { group, source }: Pick<Consumer<Tables>, 'group' | 'source'>,
  { id, topic, key, state, failure }: InboxEntry,
  runtime: Runtime,
): OutboxEntry[] {
  if (state !== 'dead' || !failure) return [];
  const { attempts, error } = failure;
  return deadLettered({ group, event_id: id, topic, key, attempts, error }, runtime.eventId(), source);
}

interface Plan<T extends Tables> {
  keys: Keys<T>;
  decide(rows: Rows<T>): Decision<T> | Promise<Decision<T>>;
}

/** What to lock and whom to ask for one event, or why it cannot be decided. */
function plan<T extends Tables>(consumer: Consumer<T>, arrival: Arrival): Plan<T> | Error {
  if (!arrival.reading.ok) return new DeadLetterError(arrival.reading.detail);
  const { event } = arrival.reading;
  const handler = consumer.handlers.get(event.type);
  if (!handler) return new DeadLetterError(`group ${consumer.group} has no handler for ${event.type}`);
  try {
    return { keys: handler.keys(event), decide: (rows) => handler.decide(rows, event) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function causeOf({ id, traceparent }: Arrival): Cause {
  return { causationid: id, ...(traceparent && { traceparent }) };
}
