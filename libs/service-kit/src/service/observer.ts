import type { Observer } from '@order-events/messaging';
import { traceId, type Logger } from '../log';
import type { Metrics } from '../metrics';

/** Tells what the machinery does in log lines and figures. */
export function observe(log: Logger, metrics: Metrics): Observer {
  return {
    published: (count) => metrics.published.inc(count),
    publishFailed: (count, detail) => {
      metrics.publishFailures.inc(count);
      log.warn({ count, detail }, 'not published, will be tried again');
    },
    refused: ({ id, topic, key }, detail) => {
      metrics.handled.inc({ topic, outcome: 'dead' });
      log.error({ topic, order_id: key, event_id: id, detail }, 'refused by the broker: a dead letter of the relay');
    },
    handled: ({ id, topic, key, traceparent, attempts }, outcome, error) => {
      metrics.handled.inc({ topic, outcome });
      const fields = { topic, order_id: key, event_id: id, trace_id: traceId(traceparent), outcome };
      if (error)
        log[outcome === 'dead' ? 'error' : 'warn']({ ...fields, attempts: attempts + 1, err: error }, 'not decided');
      else log.info(fields, 'handled');
    },
    held: (count, error) => {
      metrics.held.inc(count);
      log.warn({ count, err: error }, 'the database is away or busy; kept, and tried again');
    },
    answerFailed: ({ kind, key, traceparent }, error) => {
      metrics.effects.observe({ kind, outcome: 'unrecorded' }, 0);
      const fields = { kind, order_id: key, trace_id: traceId(traceparent), err: error };
      log.error(fields, 'an answer could not be recorded: a defect of ours; the call will be repeated');
    },
    effectDone: ({ kind, key, traceparent }, ms) => {
      metrics.effects.observe({ kind, outcome: 'answered' }, ms / 1000);
      log.info({ kind, order_id: key, trace_id: traceId(traceparent), ms: Math.round(ms) }, 'effect answered');
    },
    effectFailed: ({ kind, key, attempts, traceparent }, error, ms) => {
      metrics.effects.observe({ kind, outcome: 'open' }, ms / 1000);
      const fields = { kind, order_id: key, trace_id: traceId(traceparent), attempts: attempts + 1 };
      log.warn({ ...fields, err: error }, 'effect without a definite answer, will be called again');
    },
    loopFailed: (loop, error) => {
      metrics.loopFailures.inc({ loop });
      log.warn({ loop, err: error }, 'failed, goes on after a pause');
    },
  };
}
