import { Metrics } from './metrics';

/** A figure as prom-client keeps it; its types do not tell the labels. */
interface Described {
  name: string;
  help: string;
  type: string;
  labelNames: readonly string[];
}

/** `docs/metrics.md`: each of our own figures with its labels and meaning. */
export function metricsDocs(): string {
  const own = (described().registry.getMetricsAsArray() as unknown as Described[]).filter(({ name }) =>
    /^(order_events|rpc)_/.test(name),
  );
  const rows = own
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, type, labelNames, help }) => {
      const labels = labelNames.map((label) => `\`${label}\``).join(', ');
      return `| \`${name}\` | ${type} | ${labels} | ${help} |`;
    });
  return [
    '# Metrics',
    '',
    'Generated from `libs/service-kit/src/metrics.ts` by `npm run docs`; a test keeps it up to date. Each service tells them at `/metrics` on its',
    "operator port, for Prometheus, with the label `service`, and beside them prom-client's default figures of the process (`process_…`, `nodejs_…`).",
    '',
    '| metric | type | further labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'A gauge whose value cannot be had now is left out, and not told as 0.',
    '',
  ].join('\n');
}

/** The figures of a service that nobody asks. */
function described(): Metrics {
  const metrics = new Metrics('order-api');
  const never = () => Promise.reject(new Error('these figures are only described'));
  const store = { outboxStatus: never, operatorReads: { unfinished: never } };
  metrics.watch(store as never, [{ name: 'postgres', backlog: never }], 'order-api', () => undefined);
  return metrics;
}
