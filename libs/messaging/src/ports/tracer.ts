/**
 * The tracer port: tells how long what took, and what followed from what. Nobody waits for it, and nothing depends on it: an
 * implementation throws nothing and keeps nobody waiting.
 */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

export interface SpanStart {
  /** Who waits for whom, as OpenTelemetry has it: `server` and `consumer` are asked, `client` and `producer` ask. */
  kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** W3C trace context of what it follows from. Without one, or with none that can be read, it begins a trace. */
  parent?: string;
  attributes?: Attributes;
}

export interface SpanEnd {
  /** Where it is known only now. */
  name?: string;
  attributes?: Attributes;
  /** Why it came to nothing. */
  error?: Error;
}

/** One piece of work in a trace. What is never ended is never told. */
export interface Span {
  /** W3C trace context of whatever follows from it; without a tracer, the one that it was begun with. */
  readonly traceparent: string | undefined;
  /** Only the first end counts. */
  end(end?: SpanEnd): void;
}

export interface Tracer {
  /** @param name of few words, the same for all work of its kind */
  start(name: string, start: SpanStart): Span;
}

/** Tells nobody, and hands each trace context on unchanged. */
export const noTracer: Tracer = {
  start: (_name, { parent }) => ({ traceparent: parent, end: () => undefined }),
};
