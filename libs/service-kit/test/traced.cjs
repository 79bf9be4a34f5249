// A process that tells spans, those of its argument. The exporter loads parts of itself in a way that Jest does not know.
const { loadConfig } = require('../src/config/load.ts');
const { createLogger } = require('../src/log.ts');
const { openTracer, TRACE_SETTINGS } = require('../src/tracing/open-tracer.ts');

const log = createLogger('traced', 'info');
const { tracer, close } = openTracer(loadConfig(TRACE_SETTINGS), { service: 'inventory', transport: 'kafka' }, log);

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';
const one = (name, parent) => {
  const span = tracer.start(name, { kind: 'internal', parent });
  span.end();
  return span.traceparent;
};

const parts = {
  nested: () => {
    const attributes = { 'http.request.method': 'POST' };
    const outer = tracer.start('POST', { kind: 'server', parent: `${PARENT}-01`, attributes });
    const inner = tracer.start('process t', { kind: 'consumer', parent: outer.traceparent, attributes: { tries: 2 } });
    inner.end({ error: new RangeError('too little') });
    outer.end({ name: 'POST /orders', attributes: { 'http.response.status_code': 201 } });
    outer.end({ name: 'a second end' });
    return [outer, inner].map(({ traceparent }) => traceparent);
  },
  beginning: () =>
    ['garbage', '00-00000000000000000000000000000000-00f067aa0ba902b7-01', undefined].map((parent) =>
      one('one', parent),
    ),
  sampled: () => [one('begun here'), one('untold', `${PARENT}-00`), one('told', `${PARENT}-01`)],
  /** And which modules of OpenTelemetry are loaded. */
  loaded: () => [
    one('one', `${PARENT}-01`),
    ...Object.keys(require.cache).filter((file) => file.includes('@opentelemetry')),
  ],
};

const [part] = process.argv.slice(2);
if (part === 'asked') {
  // One for each message.
  process.on('message', () => one('asked'));
  log.info('ready');
} else {
  process.stdout.write(`${JSON.stringify({ told: parts[part]() })}\n`);
  close().then(() => log.info('closed'));
}
// Until then it stays, so that nobody has to be in a hurry.
process.on('disconnect', () => process.exit(0));
