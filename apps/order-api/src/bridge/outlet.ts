import { publishRefused, Relay, systemRuntime, type Foreign, type Message, type Tracer } from '@order-events/messaging';
import type { Logger, Metrics } from '@order-events/service-kit';
import { BRIDGE, type PostgresStore } from '@order-events/store';
import { bareOrderOf } from './bare-order';

export interface OutletOptions {
  store: Pick<PostgresStore, 'reader' | 'dueRetries' | 'transact'>;
  foreign: Pick<Foreign, 'publish'>;
  metrics: Metrics;
  log: Logger;
  tracer: Tracer;
}

const BATCH = 500;

/** The group in whose name bare orders are dead letters that the broker of other teams has refused. */
export const BRIDGE_OUT = 'bridge-out';

export interface Outlet {
  run(signal: AbortSignal): Promise<void>;
  /** Publishes what an operator has sent through again. */
  retryDue(): Promise<void>;
}

/**
 * A second relay, with a place of its own in the outbox: it publishes each `order.created` as a bare order, at least once, and
 * moves on only when the broker has proved to hold it. What that broker refuses is a dead letter of a group of its own: our
 * broker has the event, and the delivery audit asks for it as ever.
 */
export function outlet({ store, foreign, metrics, log, tracer }: OutletOptions): Outlet {
  const common = {
    transport: { publish: (batch: readonly Message[]) => foreign.publish(batch.map(bareOrderOf)) },
    runtime: systemRuntime,
    tracer,
    observer: {
      published: (count: number) => metrics.bridged.inc({ way: 'out', outcome: 'stored' }, count),
      publishFailed: (count: number, detail: string) => {
        metrics.bridged.inc({ way: 'out', outcome: 'failed' }, count);
        log.warn({ count, detail }, 'bare orders not published; they stay in the outbox and are tried again');
      },
      refused: ({ key }: { key: string }, detail: string) => {
        metrics.bridged.inc({ way: 'out', outcome: 'dead' });
        log.error(
          { order_id: key, detail },
          'a bare order was refused by the broker; a dead letter: see npm run oe -- dlq ls',
        );
      },
      loopFailed: (_: string, error: Error) => {
        metrics.loopFailures.inc({ loop: 'bridge out' });
        log.warn({ loop: 'bridge out', err: error }, 'a background loop failed; it goes on after a pause');
      },
    },
  };
  const relay = new Relay({ ...common, store: store.reader(BRIDGE, BRIDGE_OUT), batch: BATCH });
  return {
    run: (signal) => relay.run(signal),
    retryDue: async () => void (await publishRefused({ ...common, store, group: BRIDGE_OUT })),
  };
}
