import { readFileSync } from 'node:fs';
import { LateError, within } from '@order-events/messaging';
import { createClient, RESP_TYPES, type RedisArgument } from 'redis';

export interface ConnectionSettings {
  /** `redis://user:password@host:port/database`; `rediss://…` asks for TLS. */
  url: string;
  /** Files in PEM: the authority of the server's certificate, if it is not a public one, and our own certificate. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** Shown by CLIENT LIST, with what Redis allows in no name written `_`. */
  applicationName: string;
  onError(error: Error): void;
}

/** How long the server may take for an answer. */
export const TIMEOUT_MS = 5_000;

const client = (settings: ConnectionSettings) =>
  createClient({
    url: settings.url,
    name: settings.applicationName.replace(/[^\x21-\x7e]/g, '_'),
    RESP: 3,
    maintNotifications: 'disabled',
    socket: { connectTimeout: TIMEOUT_MS, reconnectStrategy: false, ...tlsOptions(settings) },
  });
type Client = ReturnType<typeof client>;

/**
 * One connection after another, each made when it is needed. The client's own reconnection is off: it waits for as long as
 * a silent socket takes what is written to it, and would keep commands whose callers have given up.
 */
export class Connection {
  private current: Promise<Client> | undefined;
  private live: Client | undefined;
  private isClosed = false;

  /** @param presence a channel on which the connection shows, as long as it lives, that there is somebody */
  constructor(
    private readonly settings: ConnectionSettings,
    private readonly presence?: string,
  ) {}

  /**
   * Rejects with the server's error, or when there is no answer in time; whether it was done is open then.
   * @param bytes whether strings in the reply are Buffers
   * @param blockMs how long the server itself may wait
   */
  async command<T>(words: readonly RedisArgument[], { bytes = false, blockMs = 0 } = {}): Promise<T> {
    const connected = await this.connected();
    // The client's own time-out ends only what it has not sent yet.
    const options = { timeout: undefined, typeMapping: bytes ? { [RESP_TYPES.BLOB_STRING]: Buffer } : {} };
    try {
      return await within('Redis', TIMEOUT_MS + blockMs, connected.sendCommand<T>(words, options));
    } catch (error) {
      if (error instanceof LateError || !connected.isReady) this.lose(connected, error as Error);
      throw error;
    }
  }

  /** What is still asked for rejects. Idempotent. */
  async close(): Promise<void> {
    this.isClosed = true;
    (await this.current?.catch(() => undefined))?.destroy();
  }

  /** Those who ask at the same time share one attempt. */
  private connected(): Promise<Client> {
    if (this.isClosed) return Promise.reject(new Error('the transport was closed'));
    return (this.current ??= this.dial());
  }

  private async dial(): Promise<Client> {
    const dialled = client(this.settings);
    dialled.on('error', (error: Error) => this.lose(dialled, error));
    try {
      await within('Redis', TIMEOUT_MS, dialled.connect());
      if (this.presence)
        await within(
          'Redis',
          TIMEOUT_MS,
          dialled.subscribe(this.presence, () => undefined),
        );
      return (this.live = dialled);
    } catch (error) {
      this.current = undefined;
      dialled.destroy();
      throw error;
    }
  }

  private lose(lost: Client, error: Error): void {
    // One that was never there is told of by whoever wanted it.
    if (this.live !== lost) return;
    this.live = this.current = undefined;
    lost.destroy();
    if (!this.isClosed)
      this.settings.onError(new Error(`the connection to Redis was lost: ${error.message}`, { cause: error }));
  }
}

function tlsOptions({ url, tls = {} }: ConnectionSettings) {
  if (!url.startsWith('rediss:')) return {};
  const pem = (file?: string) => (file === undefined ? undefined : readFileSync(file));
  return { tls: true as const, ca: pem(tls.caFile), cert: pem(tls.certFile), key: pem(tls.keyFile) };
}
