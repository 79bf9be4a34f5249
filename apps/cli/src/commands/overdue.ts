import type { Call, Command, Result } from '../command';
import { duration, table } from '../output';

interface Overdue {
  order_id: string;
  user_id: string;
  total: number;
  currency: string;
  /** Unix seconds. */
  placed_at: number;
  overdue_s: number;
}

async function overdue({ services }: Call): Promise<Result> {
  const answer = await services.ask<{ items: Overdue[] }>('order-api', '/overdue');
  const items = answer?.items ?? [];
  const rows = items.map(({ order_id, user_id, total, currency, placed_at, overdue_s }) => {
    const placed = new Date(placed_at * 1_000).toISOString();
    return [order_id, user_id, total, currency, placed, duration(overdue_s * 1_000)];
  });
  const text = table(['ORDER', 'USER', 'TOTAL', 'CURRENCY', 'PLACED', 'OVERDUE FOR'], rows);
  return { text: answer && rows.length === 0 ? 'no order is overdue' : text, data: items };
}

export const overdueCommands: readonly Command[] = [
  {
    name: 'overdue',
    args: [],
    options: {},
    does: 'Shows orders that are paid and past their deadline: nobody cancels those by itself.',
    run: overdue,
  },
];
