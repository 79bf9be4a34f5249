import { noTracer, within, type Tracer } from '@order-events/messaging';
import type { Config } from '../config/settings';
import type { Logger } from '../log';
import { guarded } from './guarded';

/** The settings that say whether traces are told, where to, and how many. */
export const TRACE_SETTINGS = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_TRACES_SAMPLER_ARG',
] as const;
export type TraceConfig = Config<(typeof TRACE_SETTINGS)[number]>;

export interface Origin {
  /** Whose spans they are. */
  service: string;
  /** What carries the messages that they tell of. */
  transport: string;
}

export interface OpenTracer {
  tracer: Tracer;
  /** Tells what has not been told yet, as far as somebody listens. Resolves soon, whoever does not. */
  close(): Promise<void>;
}

/** A collector that is away holds nobody up who wants to stop. */
const CLOSE_MS = 2_000;

/** Opens what the settings name. Without a collector nothing is told, and the SDK is not loaded. */
export function openTracer(config: TraceConfig, origin: Origin, log: Logger): OpenTracer {
  const url = tracesUrl(config);
  if (url === undefined) return { tracer: noTracer, close: () => Promise.resolve() };
  // eslint-disable-next-line @typescript-eslint/no-require-imports, @typescript-eslint/consistent-type-imports -- loaded when needed
  const { otlpTracer } = require('./otlp-tracer') as typeof import('./otlp-tracer');
  const warn = (error: Error) =>
    log.warn(
      { err: error, collector: new URL(url).host },
      'traces are not told for now; work goes on without them, and this is said once',
    );
  const { tracer, close } = otlpTracer({ ...origin, url, ratio: config.OTEL_TRACES_SAMPLER_ARG, onError: warn });
  return {
    tracer: guarded(tracer, warn),
    close: () => within('the collector of traces', CLOSE_MS, close()).catch(warn),
  };
}

/** As the standard has it: the first address is that of everything, the second that of traces alone, and taken as it is. */
function tracesUrl(config: TraceConfig): string | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = config;
  return own ?? (base && `${base.replace(/\/$/, '')}/v1/traces`);
}
