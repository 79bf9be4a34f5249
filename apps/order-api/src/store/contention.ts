import { backoff, StoreError, systemRuntime } from '@order-events/messaging';

const TRIES = 4;
const FIRST_MS = 20;
const CAP_MS = 500;

/** Does a transaction again that lost against others for no fault of its own, a few times. */
export async function despiteContention<R>(work: () => Promise<R>): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'contended' || attempt === TRIES) throw error;
      await systemRuntime.sleep(backoff(attempt, systemRuntime.random(), FIRST_MS, CAP_MS));
    }
  }
}
