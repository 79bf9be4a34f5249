import { uuidv7 } from 'uuidv7';
import type { Runtime } from './ports/runtime';

/** The real clock, timers and randomness of the process. */
export const systemRuntime: Runtime = {
  elapsed: () => performance.now(),
  eventId: () => uuidv7(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
  timeout: (ms) => AbortSignal.timeout(ms),
};
