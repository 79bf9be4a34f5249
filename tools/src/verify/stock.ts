import { type Case, pieces } from './case';
import type { Ask } from './databases';
import { type Finding, type Invariant, ofEachCase } from './invariant';

interface StockRow {
  product_id: string;
  available: number;
  reserved: number;
  sold: number;
}

export const stockInvariants: readonly Invariant[] = [
  ofEachCase('the goods of a completed order are sold, those of a cancelled one are given back', (about) => {
    const { order, reservation } = about;
    if (order?.status !== 'completed' && order?.status !== 'cancelled') return null;
    const wanted = order.status === 'completed' ? 'sold' : 'cancelled';
    if (reservation?.state !== wanted) return `is ${order.status}, its goods are ${reservation?.state ?? 'unknown'}`;
    if (wanted === 'cancelled' || pieces(reservation.items) === pieces(order.items)) return undefined;
    return `is for ${pieces(order.items)}, sold were ${pieces(reservation.items)}`;
  }),
  { name: 'what is reserved and sold of a product is what orders hold, and none is owed', check: checkStock },
];

async function checkStock(cases: readonly Case[], ask: Ask): Promise<Finding> {
  const stock = await ask<StockRow>(
    'inventory',
    `SELECT product_id, available::float8 AS available, reserved::float8 AS reserved, sold::float8 AS sold FROM stock`,
  );
  const held = { reserved: new Map<string, number>(), sold: new Map<string, number>() };
  for (const { reservation } of cases) {
    if (reservation?.state !== 'reserved' && reservation?.state !== 'sold') continue;
    const sums = held[reservation.state];
    for (const { product_id, quantity } of reservation.items)
      sums.set(product_id, (sums.get(product_id) ?? 0) + quantity);
  }
  const violations = stock.flatMap(({ product_id, available, ...counted }) => [
    ...(['reserved', 'sold'] as const).flatMap((place) => {
      const orders = held[place].get(product_id) ?? 0;
      return counted[place] === orders ? [] : [`${product_id}: ${counted[place]} ${place}, orders hold ${orders}`];
    }),
    ...(available < 0 ? [`${product_id}: ${available} available`] : []),
  ]);
  return { count: stock.length, violations };
}

/** All pieces of each product, wherever they are: only an operator's hand changes that. */
export async function stockTotals(ask: Ask): Promise<ReadonlyMap<string, number>> {
  const rows = await ask<{ product_id: string; total: number }>(
    'inventory',
    `SELECT product_id, (available + reserved + sold)::float8 AS total FROM stock`,
  );
  return new Map(rows.map(({ product_id, total }) => [product_id, total]));
}
