import type { Arrival } from '../pipeline/arrival';
import type { Outcome } from '../pipeline/decide-batch';
import type { OpenEffect, OutboxEntry } from '../ports/store';
import type { Span, Tracer } from '../ports/tracer';

/** By which traces are found: the same name as in log lines. */
const ORDER_ID = 'order_id';

/** One event on its way to the broker. It hangs on what has decided the event, and so does whoever consumes it. */
export function sendSpan(
  tracer: Tracer,
  { id, topic, key, headers }: Pick<OutboxEntry, 'id' | 'topic' | 'key' | 'headers'>,
): Span {
  const attributes = {
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.message.id': id,
    [ORDER_ID]: key,
  };
  return tracer.start(`send ${topic}`, { kind: 'producer', parent: headers['ce-traceparent'], attributes });
}

type Processed = Pick<Arrival, 'id' | 'topic' | 'key' | 'traceparent' | 'attempts'>;

/** One try of one event, until it is in the inbox. */
export function processSpan(tracer: Tracer, group: string, arrival: Processed): Span {
  const { id, topic, key, traceparent, attempts } = arrival;
  const attributes = {
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.consumer.group.name': group,
    'messaging.message.id': id,
    [ORDER_ID]: key,
    'order_events.tries_before': attempts,
  };
  return tracer.start(`process ${topic}`, { kind: 'consumer', parent: traceparent, attributes });
}

/** Ends the span of an event as what the event has come to. */
export function endProcessSpan({ arrival, state, error }: Outcome): void {
  arrival.span?.end({ attributes: { 'order_events.outcome': state }, error });
}

/** One call to the outside, with the recording of its answer. */
export function callSpan(tracer: Tracer, { kind, key, traceparent, attempts }: OpenEffect): Span {
  const attributes = { [ORDER_ID]: key, 'order_events.tries_before': attempts };
  return tracer.start(kind, { kind: 'client', parent: traceparent, attributes });
}

/**
 * One request between services: of the one that asks until its reply, or the reason why there is none; of the other until it is
 * answered.
 * @param name of a request that is known, so that callers cannot make names
 */
export function rpcSpan(tracer: Tracer, kind: 'client' | 'server', name: string, parent: string | undefined): Span {
  return tracer.start(name, { kind, parent, attributes: { 'rpc.system.name': 'order-events', 'rpc.method': name } });
}
