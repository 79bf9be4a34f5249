import type { Attributes, SpanStart, Tracer } from '@order-events/messaging';

/** What was told of one piece of work. */
export interface NotedSpan extends Pick<SpanStart, 'kind' | 'parent'> {
  name: string;
  traceparent: string;
  attributes: Attributes;
  error?: string;
  hasEnded: boolean;
}

/** A tracer that notes what it is told, in the order in which it began. */
export class NotedTracer implements Tracer {
  readonly spans: NotedSpan[] = [];

  start(name: string, { kind, parent, attributes = {} }: SpanStart) {
    const trace = parent?.split('-')[1] ?? String(this.spans.length + 1).padStart(32, '0');
    const traceparent = `00-${trace}-${String(this.spans.length + 1).padStart(16, '0')}-01`;
    const span: NotedSpan = { name, kind, parent, traceparent, attributes, hasEnded: false };
    this.spans.push(span);
    const end: ReturnType<Tracer['start']>['end'] = ({ name = span.name, attributes, error } = {}) => {
      if (span.hasEnded) return;
      Object.assign(span, { name, attributes: { ...span.attributes, ...attributes }, hasEnded: true });
      if (error) span.error = error.message;
    };
    return { traceparent, end };
  }

  /** Those that have ended. */
  get ended(): NotedSpan[] {
    return this.spans.filter(({ hasEnded }) => hasEnded);
  }
}
