import { eventually, SpanCollector } from '@order-events/testing';
import { Child } from '../../test/child';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';

let collector: SpanCollector;
let children: Child[];
beforeEach(async () => {
  collector = await SpanCollector.start();
  children = [];
});
afterEach(async () => {
  for (const { process } of children) if (process.connected) process.disconnect();
  expect(await Promise.all(children.map((child) => child.exitCode()))).toEqual(children.map(() => 0));
  await collector.close();
});

const toCollector = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
function child(part: string, env: NodeJS.ProcessEnv = toCollector()): Child {
  const made = new Child('traced.cjs', [part], env);
  children.push(made);
  return made;
}
const WARNING = 'traces are not told for now';
const warnings = ({ stdout }: Child) => stdout.split(WARNING).length - 1;

/** What the process says that it has told, traceparents first. Waits until so many spans have come. */
async function told(part: string, count: number, env?: NodeJS.ProcessEnv): Promise<string[]> {
  const telling = child(part, env);
  await telling.says('"]}\n');
  await eventually(() => collector.spans.length >= count);
  const line = telling.stdout.split('\n').find((text) => text.startsWith('{"told"'));
  return (JSON.parse(line!) as { told: string[] }).told;
}
const spanId = (traceparent: string | undefined) => traceparent?.split('-')[2];

test('spans reach the collector, each with its parent, and what is known of it only at its end', async () => {
  const [outer, inner] = (await told('nested', 2)).map(spanId);
  const common = { service: 'inventory', traceId: TRACE_ID };
  expect(collector.spans).toEqual([
    {
      ...{ ...common, name: 'process t', kind: 5, spanId: inner, parentSpanId: outer, error: 'too little' },
      attributes: { 'messaging.system': 'kafka', tries: 2, 'error.type': 'RangeError' },
    },
    {
      ...{ ...common, name: 'POST /orders', kind: 2, spanId: outer, parentSpanId: PARENT_ID },
      attributes: { 'http.request.method': 'POST', 'http.response.status_code': 201 },
    },
  ]);
});

test('a trace begins where there is none that can be read', async () => {
  const begun = await told('beginning', 3);
  for (const traceparent of begun) expect(traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
  expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(3);
  expect(collector.spans.map(({ parentSpanId }) => parentSpanId)).toEqual(['', '', '']);
});

test('whoever began a trace says whether it is told; of those that begin here, as many as the settings want', async () => {
  const traceparents = await told('sampled', 1, { ...toCollector(), OTEL_TRACES_SAMPLER_ARG: '0' });
  expect(traceparents.map((traceparent) => traceparent.slice(-2))).toEqual(['00', '00', '01']);
  expect(collector.spans.map(({ name }) => name)).toEqual(['told']);
});

test('traces may have an address of their own, which is taken as it is', async () => {
  await told('beginning', 3, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
  });
  expect(collector.spans).toHaveLength(3);
});

test('without a collector trace contexts are handed on as they are, and nothing of OpenTelemetry is loaded', async () => {
  expect(await told('loaded', 0, {})).toEqual([`00-${TRACE_ID}-${PARENT_ID}-01`]);
});

test('they come by themselves; a collector that refuses is told of once, and again when it has taken some in between', async () => {
  const asked = child('asked');
  await asked.says('ready');
  const tell = async () => {
    const { requests } = collector;
    asked.process.send('one');
    await eventually(() => collector.requests > requests);
  };
  collector.status = 400;
  await tell();
  await asked.says(WARNING);
  await tell();
  collector.status = 200;
  await tell();
  expect(collector.spans).toHaveLength(1);
  collector.status = 400;
  await tell();
  await eventually(() => warnings(asked) >= 2);
  asked.process.disconnect();
  await asked.exitCode();
  expect(warnings(asked)).toBe(2);
});

test.each(['silent', 'absent'])('one that is %s keeps nobody from ending', async (how) => {
  collector.status = 0;
  const absent = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
  const telling = child('beginning', how === 'silent' ? toCollector() : absent);
  await telling.says('"closed"');
  expect(telling.stdout).toContain('no answer from the collector of traces within 2000 ms');
});
