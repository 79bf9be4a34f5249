import { noTracer, type Span, type Tracer } from '@order-events/messaging';

/**
 * A tracer that keeps the promise of the port, whatever the one behind it does: what that throws is told once, and work goes
 * on with the trace context that it had.
 */
export function guarded(tracer: Tracer, onError: (error: Error) => void): Tracer {
  let isTold = false;
  const attempt = <R>(work: () => R): R | undefined => {
    try {
      return work();
    } catch (error) {
      if (!isTold) onError(error as Error);
      isTold = true;
      return undefined;
    }
  };
  return {
    start: (name, start): Span => {
      const span = attempt(() => tracer.start(name, start));
      if (!span) return noTracer.start(name, start);
      return { traceparent: span.traceparent, end: (end) => void attempt(() => span.end(end)) };
    },
  };
}
