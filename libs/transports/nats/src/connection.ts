import { backoff, systemRuntime } from '@order-events/messaging';
import { DebugEvents, type NatsConnection } from 'nats';
import { dial, type ConnectionSettings } from './dial';

/** How long a server may take for an answer, and how long a caller waits for a connection. */
export const TIMEOUT_MS = 5_000;
/** The first that knows several subjects of one consumer. An older one must not be asked for it. */
const OLDEST = [2, 10] as const;

/**
 * One connection after another. The client's own reconnection is off: it keeps the same socket for as long as the socket
 * takes what is written to it, loses requests without a word, and starts consumers again with what they had asked for.
 */
export class Connection {
  private readonly stop = new AbortController();
  private current: NatsConnection | undefined;
  private reason = new Error('NATS has not been reached yet');
  private readonly waiting = new Set<() => void>();
  private readonly running: Promise<void>;

  /** @param least of the server's largest message, bytes */
  constructor(
    private readonly settings: ConnectionSettings,
    private readonly least: number,
  ) {
    this.running = this.run();
  }

  /** The connection, or undefined while there is none. */
  get now(): NatsConnection | undefined {
    return this.current;
  }

  /** Waits for a connection. Rejects when there is none after `ms`, or when the signal is aborted. */
  async get(ms: number, signal?: AbortSignal): Promise<NatsConnection> {
    if (this.current) return this.current;
    const given = signal ? [signal, this.stop.signal] : [this.stop.signal];
    const waited = new AbortController();
    const end = () => waited.abort();
    this.waiting.add(end);
    await systemRuntime.sleep(ms, AbortSignal.any([...given, waited.signal]));
    this.waiting.delete(end);
    if (!this.current) throw this.reason;
    return this.current;
  }

  async close(): Promise<void> {
    this.reason = new Error('the transport was closed');
    this.stop.abort();
    await this.current?.close();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        const connection = await dial(this.settings, TIMEOUT_MS, signal);
        try {
          this.check(connection);
          failures = 0;
          await this.use(connection);
        } finally {
          await connection.close();
        }
      } catch (error) {
        if (signal.aborted) return;
        this.reason = error as Error;
        this.settings.onError(this.reason);
      }
      await systemRuntime.sleep(backoff(++failures, Math.random(), 100, 2_000), signal);
    }
  }

  /** Rejects with the reason when the connection has ended. */
  private async use(connection: NatsConnection): Promise<void> {
    if (this.stop.signal.aborted) return;
    this.current = connection;
    for (const end of this.waiting) end();
    void closeWhenStale(connection);
    const reason = await connection.closed();
    this.current = undefined;
    throw new Error(`the connection to NATS was lost: ${reason ? reason.message : 'it was closed'}`, { cause: reason });
  }

  private check({ info }: NatsConnection): void {
    const { version = '', max_payload = 0 } = info ?? {};
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
      throw new Error(`the NATS server has version ${version}, and at least ${OLDEST.join('.')} is needed`);
    if (max_payload < this.least)
      throw new Error(`the NATS server takes messages up to ${max_payload} bytes (max_payload), needed: ${this.least}`);
  }
}

/** The client would wait until the dead socket has taken all that was written to it. */
async function closeWhenStale(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === DebugEvents.StaleConnection) await connection.close();
  }
}
