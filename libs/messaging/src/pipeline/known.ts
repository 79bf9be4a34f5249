import type { Tables } from '../decision';
import type { Known, Tx } from '../ports/store';
import type { Arrival } from './arrival';
import type { Consumer } from './decide-batch';

/** What the inbox holds of arrivals, and what this process knows of those that leave no row in it. */
export async function knownOf(
  tx: Tx,
  { group, atLeastOnce }: Pick<Consumer<Tables>, 'group' | 'atLeastOnce'>,
  arrivals: readonly Arrival[],
): Promise<Map<string, Known>> {
  const asked = arrivals.filter((arrival) => !(atLeastOnce?.covers(arrival) && atLeastOnce.isClear(arrival)));
  const ids = asked.map(({ id }) => id);
  const known = new Map(ids.length > 0 ? await tx.held(group, ids) : []);
  for (const arrival of arrivals) {
    if (!atLeastOnce?.covers(arrival)) continue;
    const state = atLeastOnce.known(arrival, known.get(arrival.id));
    if (state === undefined) known.delete(arrival.id);
    else known.set(arrival.id, state);
  }
  return known;
}
