import { pino, type Logger } from 'pino';

export type { Logger };

/** Stands where a secret was cut out. */
export const REDACTED = '[redacted]';

/** JSON lines on standard output. Secrets and card tokens are cut out where our log lines may hold them. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: [
        'payment_token',
        '*.payment_token',
        'token',
        '*.token',
        'authorization',
        '*.authorization',
        'password',
        '*.password',
      ],
      censor: REDACTED,
    },
  });
}

/** The trace id of a W3C `traceparent`, for log lines. */
export function traceId(traceparent: string | undefined): string | undefined {
  return traceparent?.split('-')[1];
}
