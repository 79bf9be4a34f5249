import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import { ExportResultCode, parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { Span, SpanStart, Tracer } from '@order-events/messaging';

export interface OtlpTracerOptions {
  /** Whose spans they are. */
  service: string;
  /** What carries the messages that they tell of. */
  transport: string;
  /** Where spans are posted to. */
  url: string;
  /** Of the traces that begin here, the part that is told, 0 to 1. Whether any other is told says who began it. */
  ratio: number;
  /** Told when spans begin to be lost, and again only after some were taken. */
  onError(error: Error): void;
}

/** Most spans that wait for the collector; what comes then is dropped. About 2 MB. */
const MOST_WAITING = 4_096;
const MOST_POSTED = 512;
const POST_EVERY_MS = 1_000;
const POST_MS = 10_000;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const satisfies Record<SpanStart['kind'], SpanKind>;

/** Tells spans to a collector, in batches, as OTLP over HTTP in JSON. */
export function otlpTracer(options: OtlpTracerOptions): { tracer: Tracer; close(): Promise<void> } {
  const { service, transport, url, ratio, onError } = options;
  const exporter = telling(new OTLPTraceExporter({ url, timeoutMillis: POST_MS }), onError);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.namespace': 'order-events' }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MOST_WAITING,
        maxExportBatchSize: MOST_POSTED,
        scheduledDelayMillis: POST_EVERY_MS,
        // The exporter gives up before, and says why.
        exportTimeoutMillis: 2 * POST_MS,
      }),
    ],
  });
  const spans = provider.getTracer('order-events');
  const tracer: Tracer = {
    start: (name, { kind, parent, attributes }) => {
      const isMessaging = kind === 'producer' || kind === 'consumer';
      const all = { ...(isMessaging && { 'messaging.system': transport }), ...attributes };
      return spanOf(spans.startSpan(name, { kind: kinds[kind], attributes: all }, contextOf(parent)));
    },
  };
  return { tracer, close: () => provider.shutdown() };
}

function spanOf(span: ReturnType<ReturnType<TracerProvider['getTracer']>['startSpan']>): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    end: ({ name, attributes = {}, error } = {}) => {
      // A second end would be said to be a mistake.
      if (!span.isRecording()) return;
      if (name !== undefined) span.updateName(name);
      span.setAttributes(attributes);
      if (error) {
        span.setAttribute('error.type', error.name);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      }
      span.end();
    },
  };
}

function contextOf(traceparent: string | undefined): Context {
  const parent = traceparent === undefined ? null : parseTraceParent(traceparent);
  return parent ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true }) : ROOT_CONTEXT;
}

/** Tells when it begins to lose spans. By itself it keeps that to itself. */
function telling(exporter: SpanExporter, onError: (error: Error) => void): SpanExporter {
  let isLosing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const isLost = result.code === ExportResultCode.FAILED;
        if (isLost && !isLosing) onError(result.error ?? new Error('the collector did not take them'));
        isLosing = isLost;
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
