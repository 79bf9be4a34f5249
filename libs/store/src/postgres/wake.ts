import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import type { Statement } from './database';

/** A server process that lives as long as our connection to it, by which others can tell that we are there. */
export interface Backend {
  pid: number;
  start: string;
}

/** Carries a statement out on a connection of its own, for which nobody has to wait. */
export type RunOn = (statement: Statement, values: unknown[]) => Promise<unknown>;

export interface WakeOptions {
  url: string;
  applicationName: string;
  channels: readonly string[];
  /** There is a connection, the first one or a new one. If this rejects, it is ended and another one is made. */
  onConnected?(backend: Backend, run: RunOn): Promise<void>;
  onError(error: Error): void;
}

/** NOTIFY takes a lock over the whole cluster, so it is sent after the commit, on its own, and at most this often. */
const NOTIFY_EVERY_MS = 10;
const RECONNECT_MS = 500;
const PING_EVERY_MS = 2_000;
const NOTIFY = 'SELECT pg_notify(name, payload) FROM unnest($1::text[], $2::text[]) AS n (name, payload)';

/** Collects what one waiter has not seen yet of a channel. */
export class Listener {
  private readonly news = new Set<string>();
  private woken = false;
  private wakeUp: (() => void) | undefined;

  /** Resolves with the items that came since the last call: at once if any did, else with the next or after `ms`. */
  async wait(ms: number, signal: AbortSignal): Promise<string[]> {
    if (!this.woken && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          this.wakeUp = undefined;
          resolve();
        };
        const timer = globalThis.setTimeout(done, ms);
        signal.addEventListener('abort', done);
        this.wakeUp = done;
      });
    }
    const news = [...this.news];
    this.news.clear();
    this.woken = false;
    return news;
  }

  arrive(items: readonly string[]): void {
    this.woken = true;
    for (const item of items) this.news.add(item);
    this.wakeUp?.();
  }
}

/** Wake-ups by LISTEN and NOTIFY on a connection of its own. A hint only: whoever waits polls as well. */
export class Wake {
  private readonly listeners: ReadonlyMap<string, Set<Listener>>;
  /** Items to tell, by channel. */
  private outgoing = new Map<string, Set<string>>();
  private sending = false;
  private client: Client | undefined;
  private current: Backend | undefined;
  private reconnecting: NodeJS.Timeout | undefined;
  private closed = false;
  private connecting: Promise<void>;

  constructor(private readonly options: WakeOptions) {
    this.listeners = new Map(options.channels.map((name) => [name, new Set()]));
    this.connecting = this.connect();
  }

  /** The server process of this connection; undefined while there is none. */
  get backend(): Backend | undefined {
    return this.current;
  }

  /** The same, when the first attempt to connect has ended. */
  async connected(): Promise<Backend | undefined> {
    await this.connecting;
    return this.current;
  }

  /** @param name one of the channels in the options. */
  listen(name: string): Listener {
    const listener = new Listener();
    this.listeners.get(name)!.add(listener);
    return listener;
  }

  unlisten(name: string, listener: Listener): void {
    this.listeners.get(name)!.delete(listener);
  }

  /** Tells everybody who listens, here and in other processes. Items hold no comma. */
  poke(name: string, items: readonly string[] = []): void {
    this.arrive(name, items);
    const outgoing = this.outgoing.get(name) ?? new Set();
    for (const item of items) outgoing.add(item);
    this.outgoing.set(name, outgoing);
    if (!this.sending) void this.send();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconnecting);
    await this.connecting;
    await this.client?.end();
  }

  private report(error: unknown): void {
    if (!this.closed) this.options.onError(error as Error);
  }

  private arrive(name: string, items: readonly string[]): void {
    for (const listener of this.listeners.get(name) ?? []) listener.arrive(items);
  }

  /** Sends what is to be told, one statement at a time. */
  private async send(): Promise<void> {
    this.sending = true;
    while (this.outgoing.size > 0 && !this.closed) {
      const names = [...this.outgoing.keys()];
      const payloads = [...this.outgoing.values()].map((items) => [...items].join());
      this.outgoing = new Map();
      // Without a connection nobody is told; polling is the truth.
      if (this.current)
        await this.client!.query(NOTIFY, [names, payloads]).catch((error: unknown) => this.report(error));
      await setTimeout(NOTIFY_EVERY_MS, undefined, { ref: false });
    }
    this.sending = false;
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.options.url,
      application_name: this.options.applicationName,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      keepAlive: true,
    });
    client.on('notification', ({ channel, payload }) => this.arrive(channel, payload ? payload.split(',') : []));
    const lost = (error?: Error) => {
      if (this.client !== client) return;
      this.client = undefined;
      this.current = undefined;
      if (this.closed) return;
      if (error) this.report(error);
      this.reconnecting = globalThis.setTimeout(() => (this.connecting = this.connect()), RECONNECT_MS);
    };
    this.client = client;
    client.on('error', lost);
    client.on('end', () => lost());
    try {
      await client.connect();
      for (const name of this.listeners.keys()) await client.query(`LISTEN ${client.escapeIdentifier(name)}`);
      const { rows } = await client.query<Backend>(
        'SELECT pid, backend_start::text AS start FROM pg_stat_get_activity(pg_backend_pid())',
      );
      this.current = rows[0];
      if (this.current) await this.options.onConnected?.(this.current, (...asked) => client.query(...asked));
      // Whatever was notified while nobody listened.
      for (const name of this.listeners.keys()) this.arrive(name, []);
      void this.watch(client, lost);
    } catch (error) {
      lost(error as Error);
      // It may never have been connected; there is nothing to end then.
      void client.end().catch(() => undefined);
    }
  }

  /**
   * Leases and claims live as long as this connection does, so it must be noticed when nobody is at its other end any
   * more, and nobody says so: TCP takes a quarter of an hour for that.
   */
  private async watch(client: Client, lost: (error: Error) => void): Promise<void> {
    for (;;) {
      await setTimeout(PING_EVERY_MS, undefined, { ref: false });
      if (this.client !== client || this.closed) return;
      await client.query('SELECT 1').catch((error: unknown) => {
        lost(error as Error);
        void client.end().catch(() => undefined);
      });
    }
  }
}
