import { readFileSync } from 'node:fs';
import { within } from '@order-events/messaging';
import { connect, type Channel, type ChannelModel } from 'amqplib';

export interface ConnectionSettings {
  /** `amqp://user:password@host:port/vhost`, `amqps://…`, several nodes of one cluster with commas between them. */
  url: string;
  /** Files in PEM: the authority of the broker's certificate, if it is not a public one, and our own certificate. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** Shown by the broker's list of connections. */
  applicationName: string;
  onError(error: Error): void;
}

/** Who is asked. */
export const BROKER = 'RabbitMQ';
/** How long the broker may take for an answer. */
export const TIMEOUT_MS = 5_000;
/** Two or three of them in silence, and each side gives the connection up, and the broker the claims that it carries. */
export const HEARTBEAT_S = 5;
/** What this was tried with. Long before it, an unknown kind of queue was quietly made a classic one. */
const OLDEST = [3, 10] as const;

export interface Open {
  model: ChannelModel;
  /** Why the broker reads nothing more from it, because it is short of memory or disk. */
  blocked?: string;
  /** Ends it without a word to the broker, as a socket that is full would never take one. */
  abandon(reason: Error): void;
}

/** One connection after another, each made when it is asked for. The client's own recovery brings back no channel. */
export class Connection {
  private readonly stop = new AbortController();
  private current: Promise<Open> | undefined;
  private attempts = 0;

  /** @param purpose to tell it from others of the same application */
  constructor(
    private readonly settings: ConnectionSettings,
    private readonly purpose: string,
  ) {}

  /** The open connection, or a new one. Rejects when there is none to be had now. */
  async get(): Promise<Open> {
    if (this.stop.signal.aborted) throw new Error('the transport was closed');
    if (this.current) return this.current;
    const forget = () => {
      if (this.current === opening) this.current = undefined;
    };
    const opening = this.open(forget);
    opening.catch(forget);
    return (this.current = opening);
  }

  /** Does its work on a channel of its own, `ms` long at most. */
  async use<T>(work: (channel: Channel, open: Open) => Promise<T>, ms = TIMEOUT_MS): Promise<T> {
    const open = await this.get();
    const watched = new Watched(await within(BROKER, TIMEOUT_MS, open.model.createChannel()));
    try {
      return await within(BROKER, ms, work(watched.channel, open));
    } finally {
      await watched.close();
    }
  }

  async close(): Promise<void> {
    const closing = this.current?.then(({ model }) => within(BROKER, TIMEOUT_MS, model.close()));
    // What fails here has failed for its own user already; then the sockets go, and with them all that was open.
    await Promise.allSettled([closing]);
    this.stop.abort();
  }

  /** @param ended when it is of no more use */
  private async open(ended: () => void): Promise<Open> {
    const { applicationName, tls = {}, onError } = this.settings;
    const socket = new AbortController();
    const options = {
      ca: read(tls.caFile),
      cert: read(tls.certFile),
      key: read(tls.keyFile),
      clientProperties: { connection_name: `${applicationName} ${this.purpose}` },
      noDelay: true,
      timeout: TIMEOUT_MS,
      signal: AbortSignal.any([socket.signal, this.stop.signal]),
    };
    try {
      const model = await connect(this.address(), options);
      let reason: Error | undefined;
      model.on('error', (error: Error) => (reason ??= error));
      model.on('close', (error?: Error) => {
        ended();
        // The client waits for a dead socket to take what was written to it.
        socket.abort();
        reason ??= error;
        if (reason && !this.stop.signal.aborted)
          onError(new Error(`the connection to RabbitMQ was lost: ${reason.message}`, { cause: reason }));
      });
      check(model);
      const open: Open = {
        model,
        abandon(why) {
          reason ??= why;
          socket.abort();
        },
      };
      model.on('blocked', (why: string) => {
        open.blocked = why;
        onError(new Error(`RabbitMQ takes no more messages: ${why}`));
      });
      model.on('unblocked', () => delete open.blocked);
      return open;
    } catch (error) {
      socket.abort();
      throw error;
    }
  }

  /** Of one node after another, so that a dead one is passed over. */
  private address(): string {
    const urls = this.settings.url.split(',');
    const url = new URL(urls[this.attempts++ % urls.length]!.trim());
    if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(HEARTBEAT_S));
    return url.href;
  }
}

/** A channel with somebody who listens to it: otherwise its errors would end the process. */
export class Watched<C extends Channel> {
  /** Why it has ended; undefined while it is open. */
  reason: (Error & { code?: number }) | undefined;
  readonly ended: Promise<Error>;

  constructor(readonly channel: C) {
    this.ended = new Promise((resolve) => {
      channel.on('error', (error: Error) => (this.reason = error));
      channel.on('close', () => resolve((this.reason ??= new Error('the channel was closed'))));
    });
  }

  async close(): Promise<void> {
    if (!this.reason) await within(BROKER, TIMEOUT_MS, this.channel.close());
  }
}

/** Of the server, the first numbers: [4, 1]. */
export function versionOf(model: ChannelModel): [number, number] {
  const [major = 0, minor = 0] = model.connection.serverProperties.version.split('.').map(Number);
  return [major, minor];
}

function check(model: ChannelModel): void {
  const [major, minor] = versionOf(model);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new Error(`RabbitMQ has version ${major}.${minor}, and at least ${OLDEST.join('.')} is needed`);
}

const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
