/* eslint-disable @typescript-eslint/no-require-imports */
import type { EachBatchHandler } from 'kafkajs';

interface Runner {
  eachBatch: EachBatchHandler;
  fetchManager: { start(): Promise<void> };
  consumerGroup: { joinAndSync(): Promise<void> };
  start(): Promise<void>;
}

/** Lets the running calls end, then does that, and starts no call meanwhile. */
export type Between = (work: () => Promise<void>) => Promise<void>;

const betweens = new WeakMap<EachBatchHandler, Between>();

/** A member with this handler gives its partitions away, or gives up, only when its calls have ended. */
export function afterCalls(eachBatch: EachBatchHandler, between: Between): EachBatchHandler {
  betweens.set(eachBatch, between);
  return eachBatch;
}

/**
 * The client takes what its handler has returned from for handled: it would join anew, or leave after an error, while
 * our calls go on, others would get what they hold, and nothing of it could be committed any more.
 */
export function letCallsEndBeforeMembersMove(): void {
  const { prototype } = require('kafkajs/src/consumer/runner') as { prototype: Runner };
  const { start } = prototype;
  prototype.start = function () {
    const between = betweens.get(this.eachBatch);
    if (between) {
      const { fetchManager, consumerGroup } = this;
      const fetch = fetchManager.start;
      const join = consumerGroup.joinAndSync.bind(consumerGroup);
      fetchManager.start = () => fetch().finally(() => between(() => Promise.resolve()));
      // Also in the midst of fetching, when a partition has got another leader.
      consumerGroup.joinAndSync = () => between(join);
    }
    return start.call(this);
  };
}
