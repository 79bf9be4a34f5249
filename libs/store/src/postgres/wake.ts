import { Client } from 'pg';

/** A server process that lives as long as our connection to it, by which others can tell that we are there. */
export interface Backend {
  pid: number;
  start: string;
}

export interface WakeOptions {
  url: string;
  applicationName: string;
  channels: readonly string[];
  onError(error: Error): void;
}

/** NOTIFY takes a lock over the whole cluster, so it is sent after the commit, on its own, and at most this often. */
const NOTIFY_EVERY_MS = 10;
const RECONNECT_MS = 500;

interface Channel {
  /** Payloads that came since somebody last looked. */
  news: Set<string>;
  woken: boolean;
  waiters: Set<() => void>;
  outgoing: Set<string>;
  timer: NodeJS.Timeout | undefined;
}

/** Wake-ups by LISTEN and NOTIFY on a connection of its own. A hint only: whoever waits polls as well. */
export class Wake {
  private readonly channels: ReadonlyMap<string, Channel>;
  private client: Client | undefined;
  private current: Backend | undefined;
  private reconnecting: NodeJS.Timeout | undefined;
  private closed = false;
  private readonly connecting: Promise<void>;

  constructor(private readonly options: WakeOptions) {
    this.channels = new Map(
      options.channels.map((name) => [
        name,
        { news: new Set(), woken: false, waiters: new Set(), outgoing: new Set(), timer: undefined },
      ]),
    );
    this.connecting = this.connect();
  }

  /** The server process of this connection; undefined while there is none. */
  get backend(): Backend | undefined {
    return this.current;
  }

  /** Resolves when the first attempt to connect has ended, however it did. */
  ready(): Promise<void> {
    return this.connecting;
  }

  /** Tells everybody who listens, here and in other processes. */
  poke(name: string, payload = ''): void {
    const channel = this.channel(name);
    this.arrive(channel, payload);
    channel.outgoing.add(payload);
    if (channel.timer) return;
    this.send(name, channel);
    channel.timer = setTimeout(() => {
      channel.timer = undefined;
      if (channel.outgoing.size > 0) this.send(name, channel);
    }, NOTIFY_EVERY_MS);
  }

  /** Resolves with the payloads that came since the last call: at once if there are any, else with the next or after `ms`. */
  async wait(name: string, ms: number, signal: AbortSignal): Promise<string[]> {
    const channel = this.channel(name);
    if (!channel.woken && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          channel.waiters.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        channel.waiters.add(done);
        signal.addEventListener('abort', done);
      });
    }
    const news = [...channel.news];
    channel.news.clear();
    channel.woken = false;
    return news;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconnecting);
    for (const channel of this.channels.values()) clearTimeout(channel.timer);
    await this.connecting;
    await this.client?.end();
  }

  private report(error: unknown): void {
    if (!this.closed) this.options.onError(error as Error);
  }

  private channel(name: string): Channel {
    const channel = this.channels.get(name);
    if (!channel) throw new Error(`not a channel that was opened: ${name}`);
    return channel;
  }

  private arrive(channel: Channel, payload: string): void {
    channel.woken = true;
    if (payload) channel.news.add(payload);
    for (const waiter of [...channel.waiters]) waiter();
  }

  private send(name: string, channel: Channel): void {
    const payloads = [...channel.outgoing];
    channel.outgoing.clear();
    if (!this.current) return;
    for (const payload of payloads) {
      this.client!.query('SELECT pg_notify($1, $2)', [name, payload]).catch((error: unknown) => this.report(error));
    }
  }

  private async connect(): Promise<void> {
    const client = new Client({
      connectionString: this.options.url,
      application_name: this.options.applicationName,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    client.on('notification', ({ channel, payload }) => this.arrive(this.channel(channel), payload ?? ''));
    const lost = (error?: Error) => {
      if (this.client !== client) return;
      this.client = undefined;
      this.current = undefined;
      if (this.closed) return;
      if (error) this.report(error);
      this.reconnecting = setTimeout(() => void this.connect(), RECONNECT_MS);
    };
    this.client = client;
    client.on('error', lost);
    client.on('end', () => lost());
    try {
      await client.connect();
      for (const name of this.channels.keys()) await client.query(`LISTEN ${client.escapeIdentifier(name)}`);
      const { rows } = await client.query<Backend>(
        'SELECT pid, backend_start::text AS start FROM pg_stat_get_activity(pg_backend_pid())',
      );
      this.current = rows[0];
      // Whatever was notified while nobody listened.
      for (const channel of this.channels.values()) this.arrive(channel, '');
    } catch (error) {
      lost(error as Error);
      await client.end().catch(() => undefined);
    }
  }
}
