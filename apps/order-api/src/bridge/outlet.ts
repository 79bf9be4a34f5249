import { Relay, systemRuntime, type Foreign } from '@order-events/messaging';
import type { Logger, Metrics } from '@order-events/service-kit';
import { BRIDGE, type PostgresStore } from '@order-events/store';
import { bareOrderOf } from './bare-order';

export interface OutletOptions {
  store: Pick<PostgresStore, 'reader'>;
  foreign: Pick<Foreign, 'publish'>;
  metrics: Metrics;
  log: Logger;
}

const BATCH = 500;

/**
 * A second relay, with a place of its own in the outbox: it publishes each `order.created` as a bare order, at least once, and
 * moves on only when the broker has proved to hold it. What the broker refuses is a dead letter of group `relay`, like an
 * event: redriven it is published anew, and stands in the outbox anew for this one to read.
 */
export function outlet({ store, foreign, metrics, log }: OutletOptions): Relay {
  return new Relay({
    store: store.reader(BRIDGE),
    transport: { publish: (batch) => foreign.publish(batch.map(bareOrderOf)) },
    runtime: systemRuntime,
    batch: BATCH,
    observer: {
      published: (count) => metrics.bridged.inc({ way: 'out', outcome: 'stored' }, count),
      publishFailed: (count, detail) => {
        metrics.bridged.inc({ way: 'out', outcome: 'failed' }, count);
        log.warn({ count, detail }, 'bare orders not published; they stay in the outbox and are tried again');
      },
      refused: ({ key }, detail) => {
        metrics.bridged.inc({ way: 'out', outcome: 'dead' });
        log.error(
          { order_id: key, detail },
          'a bare order was refused by the broker; a dead letter: see npm run oe -- dlq ls',
        );
      },
      loopFailed: (_, error) => {
        metrics.loopFailures.inc({ loop: 'bridge out' });
        log.warn({ loop: 'bridge out', err: error }, 'a background loop failed; it goes on after a pause');
      },
    },
  });
}
