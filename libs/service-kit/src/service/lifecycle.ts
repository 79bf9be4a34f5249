import { constants } from 'node:os';
import { ConfigError } from '../config/load';
import { createLogger, type Logger } from '../log';
import { reasonOf } from '../reason';

/** Longer than the longest batch or call that is allowed to end; shorter than what an orchestrator grants (30 s). */
export const STOP_MS = 20_000;

/**
 * Runs a process that does one thing and ends, with exit code 0 when it is done, 2 for a bad configuration, else 1; or at
 * once, by a signal.
 * @param name what it does, for its messages
 */
export function runOnce(name: string, work: () => Promise<void>): void {
  // By itself a signal does not end the first process of a container.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  work().then(
    () => process.stdout.write(`${name}: done\n`),
    (error: unknown) => {
      const isConfig = error instanceof ConfigError;
      process.stderr.write(`${isConfig ? error.message : `${name}: ${reasonOf(error)}`}\n`);
      process.exit(isConfig ? 2 : 1);
    },
  );
}

/**
 * Runs a service as a process: starts it, and stops it on SIGTERM, on SIGINT, or when the parent that started it with an
 * IPC channel is gone. Ends with exit code 0 after a stop in time, 2 for a bad configuration, else 1.
 * @param start resolves with how to stop.
 */
export function runProcess(name: string, start: (log: Logger) => Promise<() => Promise<void>>): void {
  const log = createLogger(name, 'info');
  // A turn later, when somebody listens for signals: one that nobody listens for would end the process by itself.
  const started = Promise.resolve().then(() => start(log));
  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    const late = setTimeout(() => {
      log.error(`did not stop within ${STOP_MS} ms and ends now; what it held is delivered again`);
      process.exit(1);
    }, STOP_MS);
    late.unref();
    started
      .then((end) => end())
      .then(
        () => {
          log.info('stopped');
          process.exit(0);
        },
        (error: unknown) => {
          log.error({ err: error }, 'did not stop cleanly and ends now; what it held is delivered again');
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  if (process.channel) process.on('disconnect', () => stop('the parent process is gone'));
  started.catch((error: unknown) => {
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.message}\n`);
      process.exit(2);
    }
    log.fatal({ err: error }, 'could not start; the process ends');
    process.exit(1);
  });
}
