import { openDatabases, stockTotals } from '../verify';

/** Orders by how they ended, and those that were answered with 201 and are not there. */
export async function outcomes(databaseUrls: Readonly<Record<string, string>>, accepted: ReadonlySet<string>) {
  const { ask, close } = await openDatabases(databaseUrls);
  try {
    const orders = await ask<{ order_id: string; outcome: string }>(
      'order_api',
      `SELECT order_id, concat_ws(': ', status, cancel_reason) AS outcome FROM orders`,
    );
    const counts = new Map<string, number>();
    for (const { outcome } of orders) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    const known = new Set(orders.map(({ order_id }) => order_id));
    return { counts, lost: [...accepted].filter((order_id) => !known.has(order_id)) };
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
