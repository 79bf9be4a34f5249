import type { Runtime } from './ports/runtime';
import { StoreError } from './ports/store';
import { backoff } from './retry-policy';

export interface HoldingOptions {
  runtime: Pick<Runtime, 'elapsed' | 'random' | 'sleep'>;
  /** Is told of each failure. */
  held(error: StoreError): void;
  /** Who waits gives up. */
  signal?: AbortSignal;
}

/** How long a batch is kept while the database is away, before it is given back to the broker. */
const GIVE_BACK_MS = 3 * 60_000;
/** Contention that lasts this long while the database answers is the batch's own fault. */
const CONTENDED_MS = 60_000;

/** Repeats `work` while the database is away or in the way of itself. Rejects with what it cannot cure, or not in time. */
export async function holding<R>({ runtime, held, signal }: HoldingOptions, work: () => Promise<R>): Promise<R> {
  const since = runtime.elapsed();
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind === 'rejected') throw error;
      held(error);
      const waited = runtime.elapsed() - since;
      if (signal?.aborted)
        throw new StoreError('unavailable', 'stopped while waiting for the database', { cause: error });
      if (waited > (error.kind === 'contended' ? CONTENDED_MS : GIVE_BACK_MS)) throw error;
      await runtime.sleep(backoff(attempt, runtime.random(), 100, 5_000), signal);
    }
  }
}
