import { bisect, StoreError, type NewEvent, type Span, type Tracer, type Transport } from '@order-events/messaging';
import type { Logger } from '@order-events/service-kit';
import type { PostgresStore } from '@order-events/store';
import { expire, tables } from '../domain';
import { apply } from '../store/apply';
import { traceparentFrom } from '../traceparent';
import { dueOrders, lockClock, setClock, startDeadlines, type Clock } from './sql';

export interface SweeperOptions {
  store: Pick<PostgresStore, 'database' | 'operatorActions' | 'outboxStatus' | 'transact'>;
  transport: Pick<Transport, 'backlog' | 'ping'>;
  /** How long an order may wait for its next status, seconds of the deadline clock. */
  deadlineS: number;
  log: Logger;
  tracer: Tracer;
}

export const TICK_MS = 2_000;
/** An outbox that is younger is the normal course of things. */
const BEHIND_MS = 1_000;
/** Time in which nobody looked does not count: answers may have been waiting all the while. */
const MOST_S = (2 * TICK_MS) / 1000;
const AT_ONCE = 200;
const GROUP = 'order-api';
/** So many answers are read within a moment. */
const FEW = 1_000;

/**
 * The deadline clock after one more look at it. It stands still while what was decided has not been published, and never
 * goes back, not even with the database's own clock.
 */
export function advanced({ seconds, elapsed }: Clock, outboxMs: number): number {
  return outboxMs < BEHIND_MS ? seconds + Math.min(Math.max(elapsed, 0), MOST_S) : seconds;
}

/** Cancels orders that wait for an answer for too long. Any number of sweepers may run: they share one clock. */
export class Sweeper {
  constructor(private readonly options: SweeperOptions) {}

  /** Rejects while the broker does not answer. */
  async tick(): Promise<void> {
    const { store, transport } = this.options;
    // As long as no answer can reach us, nobody looks at the clock, and so it stands still.
    if ((await store.operatorActions.pause(GROUP)) !== undefined) return;
    await transport.ping();
    const now = await this.advanceClock();
    await this.startDeadlines(Math.ceil(now + this.options.deadlineS));
    await this.expireDue(Math.floor(now));
  }

  /** What the clock says now, seconds. */
  private async advanceClock(): Promise<number> {
    const { store } = this.options;
    const { oldestMs } = await store.outboxStatus();
    return store.database.transact(async (session) => {
      const seconds = advanced(await lockClock(session), oldestMs);
      await setClock(session, seconds);
      return seconds;
    });
  }

  private async startDeadlines(deadline: number): Promise<void> {
    const { database } = this.options.store;
    while ((await startDeadlines(database, deadline, AT_ONCE)) === AT_ONCE);
  }

  private async expireDue(now: number): Promise<void> {
    const { store, transport, log } = this.options;
    for (;;) {
      const due = await dueOrders(store.database, now, AT_ONCE);
      // The answer that one of them waits for may lie unread among many.
      if (due.length === 0 || (await transport.backlog(GROUP)) > FEW) return;
      const expired = await bisect<string, string | undefined>(
        due,
        (some) => this.expire(some, now),
        (error) => error instanceof StoreError && error.kind === 'rejected',
        (order_id, error) => void log.error({ order_id, err: error }, 'an order cannot be written, and so not expire'),
      );
      for (const order_id of expired) if (order_id) log.warn({ order_id }, 'order expired');
      if (expired.every((order_id) => order_id === undefined)) return;
    }
  }

  /** Returns, for each, its id if it has expired now. */
  private async expire(orderIds: readonly string[], now: number): Promise<(string | undefined)[]> {
    const { store, tracer } = this.options;
    // No request and no event leads to an expiry, so a trace begins with it.
    const spans: Span[] = [];
    const traceparentOf = ({ subject }: NewEvent) => {
      const span = tracer.start('expire order', { kind: 'internal', attributes: { order_id: subject } });
      spans.push(span);
      return traceparentFrom(span.traceparent);
    };
    const expired = await store.transact(async (tx) => {
      const { orders } = await tx.lock(tables, { orders: orderIds });
      const decisions = [...orders.values()].map((order) => expire(order, now));
      await apply(tx, decisions, traceparentOf);
      return new Set(decisions.flatMap(({ events = [] }) => events.map(({ subject }) => subject)));
    });
    for (const span of spans) span.end();
    return orderIds.map((order_id) => (expired.has(order_id) ? order_id : undefined));
  }
}
