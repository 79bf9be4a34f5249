/* eslint-disable @typescript-eslint/no-require-imports */

interface RequestQueue {
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
}

/**
 * The client looks every millisecond, on each connection that has sent something, whether a request waits its turn, for
 * the rest of the connection's life. It need not look while none waits: the next one that has to wait starts it again.
 */
export function letIdleConnectionsRest(): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const look = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) look.call(this);
  };
}
