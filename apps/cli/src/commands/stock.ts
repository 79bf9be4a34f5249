import type { Call, Command, Result } from '../command';
import { table } from '../output';

interface Stock {
  product_id: string;
  available: number;
  reserved: number;
  sold: number;
}

async function stock({ services }: Call): Promise<Result> {
  const answer = await services.ask<{ items: Stock[] }>('inventory', '/stock');
  const items = answer?.items ?? [];
  const rows = items.map(({ product_id, available, reserved, sold }) => [product_id, available, reserved, sold]);
  return { text: table(['PRODUCT', 'AVAILABLE', 'RESERVED', 'SOLD'], rows), data: items };
}

export const stockCommands: readonly Command[] = [
  { name: 'stock', args: [], options: {}, does: 'Shows the stock of every product.', run: stock },
];
