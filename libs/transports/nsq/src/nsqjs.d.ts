/** What is used of nsqjs 0.13.0, which brings no types: the protocol, without its Reader and Writer. */
declare module 'nsqjs' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export interface ConnectionOptions {
    clientId: string;
    authSecret: string | null;
    /** Seconds. */
    heartbeatInterval: number;
    /** Milliseconds; nsqd's own when it is null. */
    messageTimeout: number | null;
    /** Bytes; -1: nsqd writes each message to the socket at once. */
    outputBufferSize: number | null;
    tls: boolean;
  }

  export interface Message {
    readonly id: string;
    /** How often it was delivered, this time included. */
    readonly attempts: number;
    readonly body: Buffer;
    /** These three are said in the next tick, and lost without a word when the connection has ended. */
    finish(): void;
    requeue(delayMs: number, backoff: boolean): void;
    touch(): void;
  }

  /** Emits `ready`, `message` (Message), `error` (Error) and `closed`; after `error` it may live on. */
  export class NSQDConnection extends EventEmitter {
    constructor(host: string, port: number, topic: string, channel: string, options: ConnectionOptions);
    readonly nsqdHost: string;
    readonly config: ConnectionOptions;
    /** There is none before the tick after `connect`. */
    conn: Socket | null;
    outWriter: Socket | null;
    /** By `Date.now()`. */
    readonly lastReceivedTimestamp: number | null;
    id(): string;
    connect(): void;
    startTLS(): void;
    registerStreamListeners(socket: Socket): void;
    clearIdentifyTimeout(): void;
    /** Most messages that nsqd keeps in our hands. */
    setRdy(count: number): void;
    write(command: string): void;
    /** Destroys the socket, whatever waits in it. */
    close(): void;
  }

  export class WriterNSQDConnection extends NSQDConnection {
    constructor(host: string, port: number, options: ConnectionOptions);
    /** Before `ready` and after `closed` it does nothing, and the callback is not called. */
    produceMessages(
      topic: string,
      bodies: readonly Buffer[],
      delayMs: undefined,
      callback: (error: Error | null) => void,
    ): void;
  }
}
