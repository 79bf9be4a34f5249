import type { Line, Stock } from './tables';

export type StockRows = ReadonlyMap<string, Stock>;

/** How much of each product the items ask for, one line a product. */
export function linesOf(items: readonly Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { product_id, quantity } of items)
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  return [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));
}

/** The products of which there is less to be had than the lines ask for; a product that is unknown is one of them. */
export function missingFrom(stock: StockRows, lines: readonly Line[]): string[] {
  return lines
    .filter(({ product_id, quantity }) => (stock.get(product_id)?.available ?? 0) < quantity)
    .map(({ product_id }) => product_id);
}

type Place = 'available' | 'reserved' | 'sold';

/** The stock rows after the lines' pieces went from one place to another, all or none. Throws if they are not there. */
export function move(stock: StockRows, lines: readonly Line[], from: Place, to: Place): Stock[] {
  return lines.map(({ product_id, quantity }) => {
    const row = stock.get(product_id);
    if (!row || row[from] < quantity) throw new Error(`${quantity} of ${product_id} are not ${from}`);
    return { ...row, version: row.version + 1, [from]: row[from] - quantity, [to]: row[to] + quantity };
  });
}
