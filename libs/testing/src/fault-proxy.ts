import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports';

export interface Slowness {
  /** Each piece of data waits so long before it goes on. */
  delayMs?: number;
  /** Of each connection, in each direction. */
  bytesPerSecond?: number;
}

interface Connection {
  sockets: readonly Socket[];
  /** Ends its waiting when the connection is cut. */
  cut: AbortController;
}

/** A TCP connection to somewhere, on a bad network. It starts healthy; every fault lasts until `heal`. */
export class FaultProxy {
  private readonly connections = new Set<Connection>();
  private slowness: Slowness = {};
  private path = passable();

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
    /** On 127.0.0.1. It stays the same for the life of the proxy. */
    readonly port: number,
  ) {
    server.on('connection', (client) => this.accept(client));
  }

  /** @param port to listen on, on 127.0.0.1; a free one when it is not given */
  static async to(target: { host: string; port: number }, port?: number): Promise<FaultProxy> {
    // A side that has said all it has to say may still listen.
    const server = createServer({ allowHalfOpen: true });
    const listening = port ?? (await freePort());
    await listen(server, listening);
    return new FaultProxy(server, target, listening);
  }

  /** Connections that are open. */
  get open(): number {
    return this.connections.size;
  }

  /** Resets all connections, in both directions. New ones are as good as before. */
  cut(): void {
    for (const connection of this.connections) this.reset(connection);
  }

  /** Resets all connections and refuses new ones, as a machine does on which nothing listens. */
  async refuse(): Promise<void> {
    await this.stopListening();
  }

  /**
   * Takes connections and data and forwards nothing, in either direction, not even an end: the other side seems to be
   * there and says nothing. After `heal` all of it arrives, late.
   */
  blackHole(): void {
    if (this.path.isOpen) this.path = blocked();
  }

  /** Forwards slowly, from the next piece of data on. */
  slow(slowness: Slowness): void {
    this.slowness = slowness;
  }

  /** Ends every fault. */
  async heal(): Promise<void> {
    this.slowness = {};
    this.path.reopen();
    this.path = passable();
    if (!this.server.listening) await listen(this.server, this.port);
  }

  /** Resets all connections and stops listening, for good. */
  async close(): Promise<void> {
    await this.stopListening();
  }

  private async stopListening(): Promise<void> {
    const closed = this.server.listening ? once(this.server, 'close') : undefined;
    this.server.close();
    this.cut();
    await closed;
  }

  private accept(client: Socket): void {
    const target = connect({ ...this.target, allowHalfOpen: true });
    const connection: Connection = { sockets: [client, target], cut: new AbortController() };
    this.connections.add(connection);
    for (const socket of connection.sockets) {
      socket.setNoDelay(true);
      // What breaks on one side breaks on the other too, whatever the reason was.
      socket.on('error', () => this.reset(connection));
    }
    void Promise.all([this.forward(client, target, connection), this.forward(target, client, connection)])
      .then(() => this.connections.delete(connection))
      .catch(() => this.reset(connection));
  }

  /** Resolves when one side has said all it has to say, and the other has been told. Rejects when the connection breaks. */
  private async forward(from: Socket, to: Socket, { cut }: Connection): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (const piece of this.pieces(chunk)) {
        await this.passage(piece.length, cut.signal);
        if (!to.write(piece)) await once(to, 'drain', { signal: cut.signal });
      }
    }
    await this.passage(0, cut.signal);
    to.end();
  }

  /** A slow line does not hand over a second's worth at once. */
  private *pieces(chunk: Buffer): Iterable<Buffer> {
    for (let start = 0; start < chunk.length;) {
      const size = Math.max(1, Math.ceil((this.slowness.bytesPerSecond ?? Infinity) / 20));
      const end = Math.min(chunk.length, start + size);
      yield chunk.subarray(start, end);
      start = end;
    }
  }

  private async passage(bytes: number, signal: AbortSignal): Promise<void> {
    const { delayMs = 0, bytesPerSecond = Infinity } = this.slowness;
    const wait = delayMs + (bytes / bytesPerSecond) * 1000;
    if (wait > 0) await sleep(wait, undefined, { signal });
    while (!this.path.isOpen) await Promise.race([this.path.reopened, aborted(signal)]);
  }

  private reset(connection: Connection): void {
    this.connections.delete(connection);
    connection.cut.abort();
    for (const socket of connection.sockets) {
      // Node cannot reset a socket that is ending, or not connected yet: its handle would never close, nor the process end.
      if (socket.writableEnded || socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}

/** The way through the proxy. */
interface Path {
  isOpen: boolean;
  reopened: Promise<void>;
  reopen(): void;
}

const passable = (): Path => ({ isOpen: true, reopened: Promise.resolve(), reopen: () => undefined });

function blocked(): Path {
  let reopen = () => {};
  const reopened = new Promise<void>((resolve) => (reopen = resolve));
  return { isOpen: false, reopened, reopen };
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
