import { StoreError, type Tx } from '@order-events/messaging';
import { Problem } from '@order-events/service-kit';
import type { Queryable } from '@order-events/store';
import { tables } from '../domain';
import { draft, isDraft, type Draft } from './draft';
import type { Claim, Outcome, PlaceRequest } from './request';
import { claimKeys, insertOrders, readCatalogue, readHeld, wordOf, type Held } from './sql';

/**
 * Places a batch of orders in one transaction, with one statement a table, however many they are. Returns one outcome for
 * each request, in order.
 */
export async function placeBatch(
  tx: Tx,
  session: Queryable,
  requests: readonly PlaceRequest[],
  maxEventBytes: number,
): Promise<Outcome[]> {
  const productIds = new Set(requests.flatMap(({ wish }) => wish.items.map(({ product_id }) => product_id)));
  const catalogue = await readCatalogue(session, [...productIds]);
  const drafts = requests.map((request) => draft(request, catalogue, maxEventBytes));

  const { placed, held } = await settleKeys(session, requests, drafts);
  if (placed.length > 0) {
    const orders = placed.map(({ order }) => order);
    await Promise.all([
      insertOrders(session, orders),
      tx.write(tables, { order_history: placed.map(({ history }) => history) }),
      // Last, when all locks are held: the positions in the outbox are drawn now.
      tx.append(placed.map(({ entry }) => entry)),
    ]);
  }
  return requests.map(({ claim }, index) => outcomeOf(drafts[index]!, claim, claim && held.get(wordOf(claim))));
}

/** Which drafts are to be placed, and what each key of the batch stands for from now on. */
async function settleKeys(
  session: Queryable,
  requests: readonly PlaceRequest[],
  drafts: readonly (Draft | Problem)[],
): Promise<{ placed: Draft[]; held: ReadonlyMap<string, Held> }> {
  const possible = drafts.filter(isDraft);
  const candidates = firstOfEachKey(possible);
  const claimed = await claimKeys(
    session,
    [...candidates.values()].map(({ request, reply }) => ({ ...request.claim!, reply })),
  );
  const placed = possible.filter(({ request }) => !request.claim);
  const others = requests.flatMap(({ claim }) => (claim && !claimed.has(wordOf(claim)) ? [claim] : []));
  const held = new Map(await readHeld(session, others));
  for (const [word, one] of candidates) {
    if (!claimed.has(word)) continue;
    placed.push(one);
    held.set(word, { fingerprint: one.request.claim!.fingerprint, reply: one.reply });
  }
  return { placed, held };
}

/** Of several requests with one key the first that can be placed stands for all. Sorted, so that no two batches deadlock. */
function firstOfEachKey(drafts: readonly Draft[]): Map<string, Draft> {
  const first = new Map<string, Draft>();
  for (const one of drafts) {
    if (!one.request.claim) continue;
    const word = wordOf(one.request.claim);
    if (!first.has(word)) first.set(word, one);
  }
  return new Map([...first].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function outcomeOf(own: Draft | Problem, claim: Claim | undefined, held: Held | undefined): Outcome {
  if (claim && held) {
    if (held.fingerprint !== claim.fingerprint) return KEY_REUSED;
    return isDraft(own) && own.reply === held.reply ? own.reply : { ...held.reply, replayed: true };
  }
  if (!isDraft(own)) return own;
  // Somebody held the key when it was to be claimed, and a moment later it was forgotten for its age.
  if (claim) throw new StoreError('contended', `the key ${claim.key} was forgotten in between`);
  return own.reply;
}

const KEY_REUSED = new Problem(422, {
  kind: 'idempotency-key-reused',
  detail: 'This Idempotency-Key was used for another request.',
});
