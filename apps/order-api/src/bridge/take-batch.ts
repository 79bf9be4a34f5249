import {
  deadLettered,
  systemRuntime,
  withAttribute,
  type InboxEntry,
  type Known,
  type OutboxEntry,
  type Tx,
} from '@order-events/messaging';
import { Problem } from '@order-events/service-kit';
import type { Queryable } from '@order-events/store';
import { tables } from '../domain';
import { draft, type Draft } from '../door/draft';
import { insertOrders, readCatalogue, type Catalogue } from '../door/sql';
import { traceparentFrom } from '../traceparent';
import { GROUP, type Arrival, type Outcome } from './arrival';
import { foreignEventId } from './event-id';
import { claimOrders, readClaims, type ForeignClaim } from './sql';

/**
 * Places what came from elsewhere, in one transaction: each order once, or it says why it is a dead letter. Returns one
 * outcome for each, in order.
 */
export async function takeBatch(
  tx: Tx,
  session: Queryable,
  arrivals: readonly Arrival[],
  maxEventBytes: number,
): Promise<Outcome[]> {
  const held = await tx.held(
    GROUP,
    arrivals.map(({ id }) => id),
  );
  const news = new Map(arrivals.filter((arrival) => isNews(arrival, held)).map((arrival) => [arrival.id, arrival]));
  const catalogue = await readCatalogue(session, productsOf([...news.values()]));
  const drafts = new Map<Arrival, Draft | string>();
  for (const arrival of news.values()) drafts.set(arrival, draftOf(arrival, catalogue, maxEventBytes));

  const { placed, claims } = await claim(session, drafts);
  const outcomes = arrivals.map((arrival): Outcome => {
    const one = drafts.get(arrival);
    if (one === undefined) {
      const before = held.get(arrival.id) ?? 'applied';
      return { arrival, state: before === 'applied' ? 'duplicate' : 'known' };
    }
    if (typeof one === 'string') return { arrival, state: 'dead', error: one };
    if (placed.has(arrival)) return { arrival, state: 'applied' };
    const error = conflict(arrival, claims.get(one.order.order_id));
    return error === undefined ? { arrival, state: 'duplicate' } : { arrival, state: 'dead', error };
  });
  await write(
    tx,
    session,
    [...placed.values()],
    outcomes.filter(({ arrival }) => drafts.has(arrival)),
  );
  return outcomes;
}

/** Files what cannot be placed, for whatever reason, and tells of it. */
export async function bury(tx: Tx, dead: readonly Outcome[]): Promise<void> {
  const letters = dead.map(letterOf);
  await tx.take(GROUP, letters);
  await tx.append(letters.flatMap(told));
}

/** What is a dead letter, or was given up, comes again only by an operator's hand. */
function isNews({ id, again }: Arrival, held: ReadonlyMap<string, Known>): boolean {
  return again ? held.get(id) === 'retrying' : held.get(id) === undefined;
}

function productsOf(arrivals: readonly Arrival[]): string[] {
  const items = arrivals.flatMap(({ order }) => (typeof order === 'string' ? [] : order.wish.items));
  return [...new Set(items.map(({ product_id }) => product_id))];
}

/** What the order would be, priced from the catalogue of today and ordered when it says; or why there can be none. */
function draftOf({ order, source, span }: Arrival, catalogue: Catalogue, maxEventBytes: number): Draft | string {
  if (typeof order === 'string') return order;
  const { order_id, wish, timestamp } = order;
  const request = { order_id, wish, traceparent: traceparentFrom(span.traceparent) };
  const drafted = draft(request, { ...catalogue, now: timestamp }, maxEventBytes);
  if (drafted instanceof Problem) return `${drafted.options.kind}: ${drafted.message}`;
  const entry = withAttribute(drafted.entry, 'causationid', foreignEventId(source, order_id));
  return { ...drafted, entry: { ...drafted.entry, ...entry } };
}

/** Of each order id the first that can be placed; and whose the others are. */
async function claim(session: Queryable, drafts: ReadonlyMap<Arrival, Draft | string>) {
  const first = new Map<string, { arrival: Arrival; draft: Draft; claim: ForeignClaim }>();
  for (const [arrival, draft] of drafts) {
    if (typeof draft === 'string' || typeof arrival.order === 'string') continue;
    const { order_id, fingerprint } = arrival.order;
    if (first.has(order_id)) continue;
    first.set(order_id, { arrival, draft, claim: { order_id, fingerprint, source: arrival.source } });
  }
  const ours = await claimOrders(
    session,
    [...first.values()].map(({ claim }) => claim),
  );
  const placed = new Map<Arrival, Draft>();
  for (const [order_id, { arrival, draft }] of first) if (ours.has(order_id)) placed.set(arrival, draft);
  const claims = await readClaims(session, [...first.keys()]);
  return { placed, claims };
}

/** Why the id cannot be used again; undefined when it is the same order once more. */
function conflict({ order, source }: Arrival, claimed: ForeignClaim | undefined): string | undefined {
  if (typeof order === 'string') return undefined;
  if (!claimed) return `conflict: order ${order.order_id} was placed here, and not from elsewhere`;
  if (claimed.source !== source) return `conflict: order ${order.order_id} came from ${claimed.source} before`;
  if (claimed.fingerprint !== order.fingerprint) return `conflict: order ${order.order_id} was another one before`;
  return undefined;
}

async function write(
  tx: Tx,
  session: Queryable,
  placed: readonly Draft[],
  outcomes: readonly Outcome[],
): Promise<void> {
  const entries = outcomes.flatMap(entriesOf);
  if (placed.length > 0) {
    const history = { order_history: placed.map(({ history }) => history) };
    const orders = placed.map(({ order }) => order);
    await Promise.all([insertOrders(session, orders), tx.write(tables, history)]);
  }
  if (entries.length > 0) await tx.take(GROUP, entries);
  // Last, when all locks are held: the positions in the outbox are drawn now.
  await tx.append([...placed.map(({ entry }) => entry), ...entries.flatMap(told)]);
}

function entriesOf(outcome: Outcome): InboxEntry[] {
  const { arrival, state } = outcome;
  const { id, source: topic, order, again } = arrival;
  if (state === 'dead') return [letterOf(outcome)];
  if (typeof order === 'string') return [];
  const { order_id: key } = order;
  return [
    // For whoever looks where the order came from: that it is placed once, `foreign_orders` sees to.
    ...(state === 'applied' ? [{ id: foreignEventId(topic, key), topic, key, state }] : []),
    // A dead letter that an operator has sent through again is none any more.
    ...(again ? [{ id, topic, key, state: 'applied' as const, retried: true }] : []),
  ];
}

function letterOf({ arrival, error = '' }: Outcome): InboxEntry {
  const { id, source: topic, message, order, attempts } = arrival;
  const key = typeof order === 'string' ? '' : order.order_id;
  return { id, topic, key, state: 'dead', failure: { message, error, attempts: attempts + 1 } };
}

function told({ id, topic, key, state, failure }: InboxEntry): OutboxEntry[] {
  if (state !== 'dead' || !failure) return [];
  const { attempts, error } = failure;
  const letter = { group: GROUP, event_id: id, topic, key, attempts, error };
  return deadLettered(letter, systemRuntime.eventId(), '/order-api');
}
