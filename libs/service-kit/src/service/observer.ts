import { AWAY_AFTER, triesOf, type Observer } from '@order-events/messaging';
import { traceId, type Logger } from '../log';
import type { Metrics } from '../metrics';

const DEAD = 'a dead letter now, not tried again by itself: see npm run oe -- dlq ls';

const TOO_OLD =
  'not handled: so old that the inbox no longer knows whether it was handled before; see INBOX_RETENTION_DAYS';

const AWAY =
  `the calls of ${AWAY_AFTER} effects to what this service calls outside (the gateway, the carrier or the mail server) had no ` +
  'definite answer, and no other had one: all replicas together make one call a second until one is answered; then all that wait are made. None is given up';

/** Tells what the machinery does in log lines and figures. */
export function observe(log: Logger, metrics: Metrics): Observer {
  return {
    published: (count) => metrics.published.inc(count),
    publishFailed: (count, detail) => {
      metrics.publishFailures.inc(count);
      log.warn({ count, detail }, 'events not published; they stay in the outbox and are tried again');
    },
    refused: ({ id, topic, key }, detail) => {
      metrics.handled.inc({ topic, outcome: 'dead' });
      log.error({ topic, order_id: key, event_id: id, detail }, `refused by the broker; ${DEAD}`);
    },
    handled: (arrival, outcome, error) => {
      const { id, topic, key, traceparent } = arrival;
      metrics.handled.inc({ topic, outcome });
      const fields = { topic, order_id: key, event_id: id, trace_id: traceId(traceparent), outcome };
      const failed = { ...fields, attempts: triesOf(arrival), err: error };
      if (outcome === 'expired') log.error(fields, TOO_OLD);
      else if (error && outcome === 'dead') log.error(failed, `not decided; ${DEAD}`);
      else if (error) log.warn(failed, 'not decided; kept in the inbox and tried again after a pause');
      else log.info(fields, 'handled');
    },
    held: (count, error) => {
      metrics.held.inc(count);
      log.warn(
        { count, err: error },
        'the database is away or busy; events are held, and tried again until it answers',
      );
    },
    answerFailed: ({ kind, key, traceparent }, error) => {
      metrics.effects.observe({ kind, outcome: 'unrecorded' }, 0);
      const fields = { kind, order_id: key, trace_id: traceId(traceparent), err: error };
      log.error(
        fields,
        'an answer could not be recorded: a defect of ours; it is kept, and recording it is tried again',
      );
    },
    effectDone: ({ kind, key, traceparent }, ms) => {
      metrics.effects.observe({ kind, outcome: 'answered' }, ms / 1000);
      log.info({ kind, order_id: key, trace_id: traceId(traceparent), ms: Math.round(ms) }, 'effect answered');
    },
    effectFailed: ({ kind, key, attempts, traceparent }, error, ms) => {
      metrics.effects.observe({ kind, outcome: 'open' }, ms / 1000);
      const fields = { kind, order_id: key, trace_id: traceId(traceparent), attempts: attempts + 1 };
      log.warn(
        { ...fields, err: error },
        'a call without a definite answer; it is made again with the same idempotency key',
      );
    },
    outsideAway: (away) => {
      metrics.outsideAway.set(away ? 1 : 0);
      if (away) log.error(AWAY);
      else log.info('what this service calls answers again: calls are made as usual');
    },
    loopFailed: (loop, error) => {
      metrics.loopFailures.inc({ loop });
      log.warn({ loop, err: error }, 'a background loop failed; it goes on after a pause');
    },
  };
}
