import type { AuditObserver, Observer } from '@order-events/messaging';
import type { Logger } from '../log';
import type { Metrics } from '../metrics';

/** Tells what the delivery audit does in log lines and figures. */
export function observeAudit(log: Logger, { audited }: Metrics, { loopFailed }: Observer): AuditObserver {
  return {
    verified: (group, count) => {
      audited.inc({ group, outcome: 'verified' }, count);
      // There before it is first counted: what appears with a figure has not increased, as far as Prometheus knows.
      audited.inc({ group, outcome: 'resent' }, 0);
    },
    missing: (group, count) => audited.inc({ group, outcome: 'missing' }, count),
    resent: (group, count) => {
      audited.inc({ group, outcome: 'resent' }, count);
      log.warn({ group, count }, 'events that a group had lost were published again');
    },
    notResent: (group, count, detail) =>
      log.warn(
        { group, count, detail },
        'events that a group had lost could not be published again; they are tried later',
      ),
    loopFailed,
  };
}
