import {
  encode,
  type Decision,
  type NewEvent,
  type Runtime,
  type Store,
  type Table,
  type Tx,
} from '@order-events/messaging';
import type { Database, Domain, Order, OrderRules, Placement, Workspace } from './workspace';

/** order-api's keys of repeated requests: locking one holds up whoever comes with the same. */
interface RequestKey {
  key: string;
  version: number;
}
const requestKeys: Table<RequestKey> = {
  name: 'request_keys',
  key: 'key',
  columns: { key: 'text', version: 'integer' },
  rows: 'made',
  blank: (key) => ({ key, version: 0 }),
};

export interface OrderDeskOptions {
  store: Store;
  database: Database;
  domain: Domain;
  rules: OrderRules;
  advanced: Workspace['advanced'];
  runtime: Runtime;
  deadlineS: number;
  /** The database's clock, milliseconds. */
  clock(): number;
}

/** What order-api does on its own account: it takes orders and cancels, and looks after deadlines. */
export class OrderDesk {
  constructor(private readonly options: OrderDeskOptions) {}

  /** Places an order, once, however often it is asked to. */
  async place(placement: Placement): Promise<void> {
    const { store, rules, domain, clock } = this.options;
    await store.transact(async (tx) => {
      const keys = { requestKeys: [placement.order_id] };
      const known = (await tx.lock({ requestKeys }, keys)).requestKeys.get(placement.order_id)!;
      if (known.version > 0) return;
      await tx.write({ requestKeys }, { requestKeys: [{ ...known, version: 1 }] });
      const { order, history, event } = rules.place(placement, Math.floor(clock() / 1000));
      await tx.write(domain.tables, { orders: [order], order_history: [history] });
      await this.tell(tx, [event]);
    });
  }

  /** Whether the order is cancelled, now or before. */
  cancel(orderId: string): Promise<boolean> {
    return this.decide(orderId, (order) => this.options.rules.cancelForCustomer(order));
  }

  /** Whether logistics is asked to keep its goods, or the order is cancelled. Rejects while it is not paid yet. */
  refund(orderId: string): Promise<boolean> {
    return this.decide(orderId, (order) => {
      const outcome = this.options.rules.refundForOperator(order);
      if (!outcome.accepted && isRevocable(order)) throw new Error('it is not paid yet');
      return outcome;
    });
  }

  /** One look at the deadline clock, as the sweeper takes it. */
  async sweep(): Promise<void> {
    const { store, rules, domain, deadlineS } = this.options;
    const { oldestMs } = await store.outboxStatus();
    const now = this.advanceClock(oldestMs);
    this.startDeadlines(Math.ceil(now + deadlineS));
    const due = [...this.orders.values()].filter((order) => isRevocable(order) && (order.deadline ?? Infinity) <= now);
    if (due.length === 0) return;
    await store.transact(async (tx) => {
      const { orders } = await tx.lock(domain.tables, { orders: due.map(({ order_id }) => order_id) });
      const locked = [...orders!.values()] as unknown as Order[];
      await this.apply(
        tx,
        locked.map((order) => rules.expire(order, Math.floor(now))),
      );
    });
  }

  private get orders(): Map<string, Order> {
    return this.options.database.table<Order>('orders');
  }

  /** One statement on a locked row. */
  private advanceClock(outboxMs: number): number {
    const { database, advanced, clock } = this.options;
    const table = database.table<{ seconds: number; ticked: number }>('deadline_clock');
    const { seconds, ticked } = table.get('1') ?? { seconds: 0, ticked: clock() };
    const now = advanced({ seconds, elapsed: (clock() - ticked) / 1000 }, outboxMs);
    table.set('1', { seconds: now, ticked: clock() });
    return now;
  }

  /** One statement that leaves out locked rows. */
  private startDeadlines(deadline: number): void {
    for (const order of this.orders.values()) {
      const waits = isRevocable(order) || order.status === 'paid';
      if (waits && order.deadline === null && !this.options.database.isLocked('orders', order.order_id))
        order.deadline = deadline;
    }
  }

  private decide(orderId: string, by: (order: Order) => ReturnType<OrderRules['cancelForCustomer']>): Promise<boolean> {
    const { store, domain } = this.options;
    return store.transact(async (tx) => {
      const { orders } = await tx.lock(domain.tables, { orders: [orderId] });
      const outcome = by(orders!.get(orderId) as Order);
      if (outcome.accepted) await this.apply(tx, [outcome.decision]);
      return outcome.accepted;
    });
  }

  private async apply(tx: Tx, decisions: readonly Decision[]): Promise<void> {
    const written = (table: string) => decisions.flatMap(({ rows }) => (rows?.[table] ?? []) as object[]);
    await tx.write(this.options.domain.tables, { orders: written('orders'), order_history: written('order_history') });
    await this.tell(
      tx,
      decisions.flatMap(({ events = [] }) => events),
    );
  }

  private tell(tx: Tx, events: readonly NewEvent[]): Promise<void> {
    const { runtime } = this.options;
    return tx.append(events.map((event) => encode(event, runtime.eventId(), { source: '/order-api' })));
  }
}

function isRevocable({ status }: Order): boolean {
  return status === 'pending' || status === 'confirmed';
}
