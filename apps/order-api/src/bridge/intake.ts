import { bisect, holding, StoreError, systemRuntime, type Message, type Tracer } from '@order-events/messaging';
import type { Logger, Metrics } from '@order-events/service-kit';
import type { PostgresStore } from '@order-events/store';
import type { OutboxAge } from '../door/outbox-age';
import { arrivalOf, GROUP, type Arrival, type Outcome } from './arrival';
import { bury, takeBatch } from './take-batch';

export interface IntakeOptions {
  store: Pick<PostgresStore, 'transact' | 'dueRetries'>;
  outboxAge: Pick<OutboxAge, 'isOld'>;
  /** The address at which the messages come in. */
  source: string;
  /** The largest event that our transport takes. */
  maxEventBytes: number;
  metrics: Pick<Metrics, 'bridged' | 'held'>;
  log: Logger;
  tracer: Tracer;
}

const RETRIES_AT_ONCE = 100;

const said = {
  applied: 'order placed',
  duplicate: 'order placed before',
  known: 'no order, and a dead letter before: that can be sent through again, see npm run oe -- dlq',
};

/** Takes bare orders in: `handle` resolves when each is placed or is a dead letter, and only then may it be acknowledged. */
export class Intake {
  constructor(private readonly options: IntakeOptions) {}

  /** Rejects when the database stayed away for so long that the batch should go back to the broker, or on `signal`. */
  async handle(batch: readonly Message[], signal: AbortSignal): Promise<void> {
    const { source: topic, tracer } = this.options;
    await this.take(
      batch.map((message) => arrivalOf({ ...message, topic }, tracer)),
      signal,
    );
  }

  /** Takes in what an operator has sent through again. */
  async retryDue(signal: AbortSignal): Promise<void> {
    const { store, tracer } = this.options;
    const due = await store.dueRetries(GROUP, RETRIES_AT_ONCE);
    if (due.length === 0) return;
    await this.take(
      due.map(({ message, ...before }) => arrivalOf(message, tracer, before)),
      signal,
    );
  }

  private async take(arrivals: readonly Arrival[], signal: AbortSignal): Promise<void> {
    const outcomes = await bisect<Arrival, Outcome>(
      arrivals,
      (some) => this.place(some, signal),
      (error) => error instanceof StoreError && error.kind === 'rejected',
      (one, error) => this.bury(one, (error as Error).message, signal),
    );
    for (const outcome of outcomes) this.tell(outcome);
  }

  private place(arrivals: readonly Arrival[], signal: AbortSignal): Promise<Outcome[]> {
    const { store, outboxAge, maxEventBytes } = this.options;
    return this.holding(arrivals.length, signal, () => {
      if (outboxAge.isOld) throw new StoreError('unavailable', 'orders cannot be passed on fast enough right now');
      return store.transact((tx, session) => takeBatch(tx, session, arrivals, maxEventBytes));
    });
  }

  private async bury(arrival: Arrival, error: string, signal: AbortSignal): Promise<Outcome> {
    const outcome: Outcome = { arrival, state: 'dead', error };
    await this.holding(1, signal, () => this.options.store.transact((tx) => bury(tx, [outcome])));
    return outcome;
  }

  private holding<R>(count: number, signal: AbortSignal, work: () => Promise<R>): Promise<R> {
    const { log, metrics } = this.options;
    const held = (error: Error) => {
      metrics.held.inc(count);
      log.warn({ count, err: error }, 'bare orders are held, and tried again until they can be placed');
    };
    // A refusal that is thrown at once is one of the promise, too.
    return holding({ runtime: systemRuntime, signal, held }, async () => work());
  }

  private tell({ arrival, state, error }: Outcome): void {
    const { log, metrics } = this.options;
    const { id, source, order, span } = arrival;
    span.end({ attributes: { 'order_events.outcome': state }, error: error === undefined ? error : new Error(error) });
    metrics.bridged.inc({ way: 'in', outcome: state });
    const order_id = typeof order === 'string' ? undefined : order.order_id;
    const fields = { source, order_id, outcome: state };
    if (state === 'dead')
      log.error({ ...fields, event_id: id, detail: error }, 'no order; a dead letter: see npm run oe -- dlq ls');
    else log.info(fields, said[state]);
  }
}
