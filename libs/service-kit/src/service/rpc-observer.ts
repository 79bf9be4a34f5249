import { isRequestName } from '@order-events/contracts';
import type { Observer, RpcObserver } from '@order-events/messaging';
import type { Logger } from '../log';
import type { Metrics } from '../metrics';

/** Which system of remote calls it is, for whoever compares several. */
const SYSTEM = { rpc_system_name: 'order-events' };
/** As OpenTelemetry has it for a method that nobody knows: callers must not be able to make figures. */
const OTHER = '_OTHER';

/** Tells how requests and replies fare, in log lines and figures. */
export function observeRpc(log: Logger, metrics: Metrics, { loopFailed }: Observer): RpcObserver {
  const labels = (name: string, error_type?: string) => ({
    ...{ ...SYSTEM, rpc_method: isRequestName(name) ? name : OTHER },
    ...(error_type !== undefined && { error_type }),
  });
  return {
    asked: (name, ms, failure) => metrics.rpcClient.observe(labels(name, failure), ms / 1000),
    cameLate: () => metrics.rpcDropped.inc({ reason: 'late_reply' }),
    answered: (name, ms, problem, cause) => {
      metrics.rpcServer.observe(labels(name, problem && String(problem.status)), ms / 1000);
      if (problem && problem.status >= 500)
        log.warn(
          { request: name, status: problem.status, detail: problem.detail, err: cause },
          'a request was refused',
        );
    },
    unanswered: (reason, detail) => {
      metrics.rpcDropped.inc({ reason });
      log.warn({ reason, detail }, 'a request of another service was not answered');
    },
    loopFailed,
  };
}
