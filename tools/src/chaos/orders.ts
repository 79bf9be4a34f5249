import type { Ledger } from './load';
import { openDatabases, stockTotals } from '../verify';

/** Orders by how they ended, which of them got lost on the way, and which did not end as their customers were told. */
export async function outcomes(databaseUrls: Readonly<Record<string, string>>, { accepted, cancelled }: Ledger) {
  const { ask, close } = await openDatabases(databaseUrls);
  try {
    const orders = await ask<{ order_id: string; outcome: string }>(
      'order_api',
      `SELECT order_id, concat_ws(': ', status, cancel_reason) AS outcome FROM orders`,
    );
    const counts = new Map<string, number>();
    for (const { outcome } of orders) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    const ends = new Map(orders.map(({ order_id, outcome }) => [order_id, outcome]));
    const lost = [...accepted].filter((order_id) => !/^(completed|cancelled)/.test(ends.get(order_id) ?? ''));
    const broken = [...cancelled]
      .filter((order_id) => !ends.get(order_id)?.startsWith('cancelled'))
      .map((order_id) => `${order_id} was cancelled, its customer was told, and it is ${ends.get(order_id)}`);
    return { counts, lost, broken };
  } finally {
    await close();
  }
}

/** All pieces of each product. */
export async function totals(databaseUrls: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, number>> {
  const { ask, close } = await openDatabases(databaseUrls);
  try {
    return await stockTotals(ask);
  } finally {
    await close();
  }
}
