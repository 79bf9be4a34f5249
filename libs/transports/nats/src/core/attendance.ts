import { backoff, systemRuntime } from '@order-events/messaging';
import type { Msg, NatsConnection } from 'nats';
import { TIMEOUT_MS, type Connection } from '../connection';

/** One subscription. */
export interface Ear {
  subject: string;
  /** Of those that are in it only one gets each message. */
  queue?: string;
  hear(msg: Msg): void;
}

export interface AttendanceOptions {
  connection: Connection;
  /** In the order in which they are opened; they are closed the other way round. */
  ears: readonly Ear[];
  /** Is called when all are open, on each connection. */
  opened(connection: NatsConnection): void;
  onError(error: Error): void;
}

/** Then the reason for which there is no connection is told once more. */
const PATIENCE_MS = 60_000;

/** Listens on one connection after the other. */
export class Attendance {
  /** Resolves when the server has all subscriptions, or when that has failed for the first time. */
  readonly started: Promise<void>;
  private start!: () => void;
  private readonly stop = new AbortController();
  private readonly stopped = aborted(this.stop.signal);
  private readonly running: Promise<void>;

  constructor(private readonly options: AttendanceOptions) {
    this.started = new Promise((resolve) => (this.start = resolve));
    this.running = this.run();
  }

  /** What is on its way still comes before this resolves. Idempotent. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    // For the first attempt somebody waits.
    for (let failures = 0, patience = TIMEOUT_MS; !signal.aborted; patience = PATIENCE_MS) {
      try {
        const connection = await this.options.connection.get(patience, signal);
        await this.listen(connection, () => (failures = 0));
      } catch (error) {
        this.start();
        if (signal.aborted) return;
        this.options.onError(error as Error);
        await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
      }
    }
  }

  /** Resolves when the connection has ended, or on `close`; rejects when the server refuses a subscription. */
  private async listen(connection: NatsConnection, succeeded: () => void): Promise<void> {
    const { ears, opened } = this.options;
    let fail!: (error: Error) => void;
    const failed = new Promise<never>((_, reject) => (fail = reject));
    const ended = Promise.race([connection.closed(), this.stopped, failed]);
    const subscriptions = ears.map(({ subject, queue, hear }) =>
      connection.subscribe(subject, {
        queue,
        callback: (error, msg) => {
          if (error) return fail(error);
          try {
            hear(msg);
          } catch (thrown) {
            // The client would end its connection by it.
            fail(thrown as Error);
          }
        },
      }),
    );
    try {
      await Promise.race([connection.flush(), ended]);
      succeeded();
      if (!connection.isClosed()) opened(connection);
      this.start();
      await ended;
    } finally {
      const drained = Promise.allSettled(subscriptions.reverse().map((subscription) => subscription.drain()));
      await Promise.race([drained, connection.closed()]);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
