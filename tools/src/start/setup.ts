import type { Instance } from './services';
import type { Running } from './supervised';

/**
 * Runs the setups of all services at once, as they would run on a cluster, and resolves when all have ended well. When
 * one fails, or the signal is aborted, it still waits for the end of all before it rejects.
 */
export async function runSetups(
  instances: readonly Instance[],
  start: (instance: Instance) => Promise<Running>,
  signal: AbortSignal,
): Promise<void> {
  const results = await Promise.allSettled(
    instances.map(async (instance) => {
      const setup = await start(instance);
      const stop = () => void setup.stop();
      signal.addEventListener('abort', stop, { once: true });
      const how = await setup.exited;
      signal.removeEventListener('abort', stop);
      if (how !== 'ended with exit code 0') throw new Error(`The setup of ${instance.service.name} ${how}.`);
    }),
  );
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [(result.reason as Error).message] : [],
  );
  if (failures.length > 0) throw new Error(failures.join('\n'));
}
