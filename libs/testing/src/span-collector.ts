import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A span as a collector gets it. */
export interface CollectedSpan {
  /** Who has told it. */
  service: string;
  name: string;
  /** Of OTLP: 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  traceId: string;
  spanId: string;
  /** Empty where a trace begins. */
  parentSpanId: string;
  attributes: Record<string, unknown>;
  /** Why it came to nothing. */
  error?: string;
}

interface KeyValue {
  key: string;
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number };
}
interface Told {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: {
      spans: (Pick<CollectedSpan, 'name' | 'kind' | 'traceId' | 'spanId'> & {
        parentSpanId?: string;
        attributes?: KeyValue[];
        status?: { code?: number; message?: string };
      })[];
    }[];
  }[];
}

/** A collector of traces, as little of one as there can be: OTLP over HTTP, in JSON. */
export class SpanCollector {
  readonly spans: CollectedSpan[] = [];
  /** What it answers; 0: nothing, ever. */
  status = 200;
  /** Requests that have come, whatever was answered. */
  requests = 0;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<SpanCollector> {
    const server = createServer();
    const collector = new SpanCollector(server);
    server.on('request', (request: IncomingMessage, response) => {
      void bodyOf(request).then((body) => {
        collector.requests++;
        const { status } = collector;
        if (status === 0) return;
        const isSpans = request.method === 'POST' && request.url === '/v1/traces';
        if (isSpans && status === 200) collector.spans.push(...spansOf(JSON.parse(body) as Told));
        response.writeHead(isSpans ? status : 404, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return collector;
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function spansOf({ resourceSpans }: Told): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, kind, traceId, spanId, parentSpanId = '', attributes = [], status }) => ({
        ...{ service, name, kind, traceId, spanId, parentSpanId },
        attributes: valuesOf(attributes),
        ...(status?.code === 2 && { error: status.message }),
      })),
    );
  });
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
