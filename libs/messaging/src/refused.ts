import { asPublished } from './cloud-events';
import { deadLettered } from './dead-lettered';
import type { Observer, Runtime } from './ports/runtime';
import type { InboxEntry, OutboxEntry, Refused, Store } from './ports/store';
import { noTracer, type Tracer } from './ports/tracer';
import type { Transport } from './ports/transport';
import { sendSpan } from './tracing/spans';

/** The group in whose name records of the outbox are dead letters that our own broker refused. */
export const RELAY = 'relay';

const AT_ONCE = 100;

export interface RefusedOptions {
  store: Pick<Store, 'dueRetries' | 'transact'>;
  transport: Pick<Transport, 'publish'>;
  runtime: Pick<Runtime, 'eventId'>;
  observer: Pick<Observer, 'published' | 'publishFailed' | 'refused'>;
  /** In whose name they are dead letters. */
  group: string;
  tracer?: Tracer;
}

/**
 * Publishes records again that were refused and that an operator has brought back, each as it was. It is `applied` once
 * the broker holds it, and one of our own stands in the outbox anew; dead again if it is refused again; while the broker is away it stays due.
 * @returns how many were due
 */
export async function publishRefused(options: RefusedOptions): Promise<number> {
  const { store, transport, runtime, observer, group, tracer = noTracer } = options;
  const due = await store.dueRetries(group, AT_ONCE);
  if (due.length === 0) return 0;
  const spans = due.map(({ id, message }) => sendSpan(tracer, { id, ...message }));
  const settlements = await transport.publish(due.map(({ message }) => message));
  const entries: InboxEntry[] = [];
  const appended: OutboxEntry[] = [];
  const unavailable: string[] = [];
  for (const [index, { id, message, attempts }] of due.entries()) {
    const settlement = settlements[index]!;
    const entry = { id, topic: message.topic, key: message.key };
    spans[index]!.end(settlement.stored ? {} : { error: new Error(settlement.detail) });
    if (settlement.stored) {
      entries.push({ ...entry, state: 'applied', retried: true });
      // The audit has gone past where it stood in the outbox: only what stands there again is asked about.
      if (group === RELAY) appended.push({ id, ...message });
    } else if (settlement.problem === 'unavailable') unavailable.push(settlement.detail);
    else {
      const failure = { message, error: settlement.detail, attempts: attempts + 1 };
      entries.push({ ...entry, state: 'dead', failure });
      appended.push(...tellRefused(group, { ...entry, headers: message.headers }, failure, runtime));
    }
  }
  if (entries.length > 0)
    await store.transact(async (tx) => {
      await tx.take(group, entries);
      await tx.append(appended);
    });
  observer.published(entries.filter(({ state }) => state === 'applied').length);
  for (const { failure, ...entry } of entries) if (failure) observer.refused(entry, failure.error);
  if (unavailable.length > 0) observer.publishFailed(unavailable.length, unavailable.at(-1)!);
  return due.length;
}

/** The dead letters of records that the broker has refused, one for each event: it may stand in the outbox more than once. */
export function lettersOf(refused: readonly Refused[]): InboxEntry[] {
  const letters = new Map<string, InboxEntry>();
  for (const { record, error } of refused) {
    const { id, topic, key } = record;
    letters.set(id, { id, topic, key, state: 'dead', failure: { message: asPublished(record), error, attempts: 1 } });
  }
  return [...letters.values()];
}

/** What is told of a record that was refused: by the one who would have told the record. */
export function tellRefused(
  group: string,
  { id, topic, key, headers }: Pick<OutboxEntry, 'id' | 'topic' | 'key' | 'headers'>,
  { error, attempts }: { error: string; attempts: number },
  runtime: Pick<Runtime, 'eventId'>,
): OutboxEntry[] {
  const letter = { group, event_id: id, topic, key, attempts, error };
  return deadLettered(letter, runtime.eventId(), headers['ce-source'] ?? '');
}
