import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { NSQDConnection, WriterNSQDConnection, type ConnectionOptions } from 'nsqjs';
import type { Node } from './nodes';

export interface ConnectionSettings {
  /** Files in PEM: the authority of the nsqds' certificates, if it is not a public one, and our own certificate. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** For nsqd's AUTH. */
  secret?: string;
  /** Shown by nsqadmin. */
  applicationName: string;
  /** Something failed in the background and is tried again. */
  onError(error: Error): void;
}

/** How long a message is ours without another word. */
export const CLAIM_MS = 30_000;
const HEARTBEAT_S = 5;
/** Longer than two heartbeats: nothing at all within it, and nobody is there. */
const SILENCE_MS = 12_000;
/** nsqd says no, and the connection lives. */
const HARMLESS = /^E_(?:FIN|REQ|TOUCH)_FAILED (?<command>\w+) (?<id>\S+)/;

/** Hears what nsqd refuses of a message. Returns whether that was waited for. */
type Refused = (command: string, id: string) => boolean;

/**
 * One connection of nsqjs whose end is always noticed: the library's Reader and Writer take a dead socket for a living one
 * as long as they write to it, and the Writer never comes back.
 */
export class Connection<C extends NSQDConnection = NSQDConnection> {
  /** Resolves when nsqd takes commands; rejects when the connection ends before. */
  readonly ready: Promise<void>;
  /** Resolves with the reason. */
  readonly ended: Promise<Error>;
  private reason: Error | undefined;
  private over = false;
  private readonly hearers = new Set<Refused>();

  constructor(
    readonly nsqd: C,
    settings: ConnectionSettings,
  ) {
    const isSecure = secure(nsqd, settings);
    nsqd.on('error', (error: Error) => {
      const harmless = HARMLESS.exec(error.message);
      if (!harmless) this.reason ??= error;
      else if (!this.isAwaited(harmless.groups!['command']!, harmless.groups!['id']!))
        settings.onError(this.told(error));
    });
    const watch = this.watch();
    this.ended = new Promise((resolve) =>
      nsqd.once('closed', () => {
        this.over = true;
        clearInterval(watch);
        nsqd.clearIdentifyTimeout();
        resolve(this.told(this.reason ?? new Error('it closed the connection')));
      }),
    );
    this.ready = new Promise((resolve, reject) => {
      nsqd.once('ready', () => (isSecure() ? resolve() : this.destroy(new Error('it offers no TLS'))));
      void this.ended.then(reject);
    });
    // Who waits for the end need not wait for this too.
    this.ready.catch(() => {});
    nsqd.connect();
  }

  static reader(node: Node, topic: string, channel: string, settings: ConnectionSettings): Connection {
    return new Connection(new NSQDConnection(node.host, node.port, topic, channel, options(settings)), settings);
  }

  static writer(node: Node, settings: ConnectionSettings): Connection<WriterNSQDConnection> {
    return new Connection(new WriterNSQDConnection(node.host, node.port, options(settings)), settings);
  }

  get isOver(): boolean {
    return this.over;
  }

  /**
   * To be called in the tick in which messages were finished, with the last of them. nsqd answers no FIN. But it does in order what
   * it is told, and refuses to TOUCH what is finished or not ours, which comes here as its answer.
   * @returns ids of messages that it has not let us finish meanwhile
   * @throws when the connection ends before
   */
  async refusedUntil(id: string): Promise<ReadonlySet<string>> {
    const refused = new Set<string>();
    let answered = () => {};
    const answer = new Promise<void>((resolve) => (answered = resolve));
    const hear: Refused = (command, which) => {
      if (command === 'FIN') refused.add(which);
      const isAnswer = command === 'TOUCH' && which === id;
      if (isAnswer) answered();
      return isAnswer;
    };
    this.hearers.add(hear);
    // nsqjs says FIN in the next tick.
    await new Promise(setImmediate);
    this.nsqd.write(`TOUCH ${id}\n`);
    try {
      await Promise.race([answer, this.ended.then((reason) => Promise.reject(reason))]);
      return refused;
    } finally {
      this.hearers.delete(hear);
    }
  }

  private isAwaited(command: string, id: string): boolean {
    return [...this.hearers].map((hear) => hear(command, id)).includes(true);
  }

  /** At once, whatever is under way. */
  destroy(reason: Error): void {
    this.reason ??= reason;
    // The socket is there one tick after `connect`.
    process.nextTick(() => this.nsqd.close());
  }

  /** After nsqd has taken all that was said to it. */
  async end(): Promise<void> {
    await new Promise(setImmediate);
    // nsqd hangs up when it has come to the last command.
    if (!this.over) this.nsqd.conn?.end();
    await this.ended;
  }

  private watch(): NodeJS.Timeout {
    let last: number | null = null;
    return setInterval(() => {
      const { lastReceivedTimestamp } = this.nsqd;
      if (lastReceivedTimestamp === last) this.destroy(new Error(`nothing came for ${SILENCE_MS} ms`));
      last = lastReceivedTimestamp;
    }, SILENCE_MS);
  }

  private told(error: Error): Error {
    return new Error(`nsqd at ${this.nsqd.id()}: ${error.message}`, { cause: error });
  }
}

function options({ applicationName, tls, secret }: ConnectionSettings): ConnectionOptions {
  return {
    clientId: applicationName,
    // With TLS it is said when the other side has shown who it is.
    authSecret: tls ? null : (secret ?? null),
    heartbeatInterval: HEARTBEAT_S,
    messageTimeout: CLAIM_MS,
    // A lone message would wait for nsqd's buffer to fill, or for 250 ms.
    outputBufferSize: -1,
    tls: tls !== undefined,
  };
}

/**
 * nsqjs compares the certificate of a nsqd that was addressed by a number with the name "localhost", and goes on without
 * TLS when nsqd offers none. Returns whether the connection is as it was asked for, once it is ready.
 */
function secure(nsqd: NSQDConnection, { tls, secret }: ConnectionSettings): () => boolean {
  if (!tls) return () => true;
  const content = (file?: string) => (file === undefined ? undefined : readFileSync(file));
  const files = { ca: content(tls.caFile), cert: content(tls.certFile), key: content(tls.keyFile) };
  const host = nsqd.nsqdHost;
  let secured = false;
  nsqd.startTLS = () => {
    const plain = nsqd.conn!;
    for (const event of ['data', 'error', 'close']) plain.removeAllListeners(event);
    const names = isIP(host) ? { host } : { host, servername: host };
    const socket = connect({ socket: plain, ...names, ...files }, () => {
      nsqd.conn = socket;
      nsqd.config.authSecret = secret ?? null;
      secured = true;
    });
    nsqd.outWriter = socket;
    nsqd.registerStreamListeners(socket);
  };
  return () => secured;
}
