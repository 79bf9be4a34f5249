import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { Kafka, logLevel, type ISocketFactoryArgs, type KafkaConfig } from 'kafkajs';
import { letCallsEndBeforeMembersMove } from './handover';
import { letIdleConnectionsRest } from './idle';
import { letTopicsOfOthersBeBroken } from './metadata';
import { knowSnappy } from './snappy';

export interface ClientSettings {
  /** `host:port`, several with commas between them. */
  brokers: string;
  /** Files in PEM: the authority of the brokers' certificates, if it is not a public one, and our own certificate. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
  /** Shown by the brokers' logs and metrics. */
  applicationName: string;
}

/** How long a broker may take for an answer. */
export const REQUEST_MS = 10_000;
const CONNECT_MS = 3_000;

/** All of it is said, for the client has other defaults where NODE_ENV is "test". */
export const retry = { retries: 5, initialRetryTime: 100, multiplier: 2, factor: 0.2, maxRetryTime: 1_000 };

letIdleConnectionsRest();
letTopicsOfOthersBeBroken();
letCallsEndBeforeMembersMove();
knowSnappy();

/**
 * A kafkajs client that can be ended whatever it is doing. By itself it waits for the answers of a dead connection, some
 * of them for ever, and so does whoever disconnects it.
 */
export class Client {
  readonly kafka: Kafka;
  private readonly sockets = new Set<Socket>();
  private ended = false;

  /** @param onError is told what the client logs as an error and deals with by itself */
  constructor({ brokers, tls, sasl, applicationName }: ClientSettings, onError?: (error: Error) => void) {
    this.kafka = new Kafka({
      clientId: applicationName,
      brokers: brokers.split(',').map((one) => one.trim()),
      ssl: tls && read(tls),
      sasl: sasl as KafkaConfig['sasl'],
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      retry,
      socketFactory: (to) => this.socket(to),
      logLevel: onError ? logLevel.ERROR : logLevel.NOTHING,
      logCreator: () => (entry) => {
        const { message, error } = entry.log as { message: string; error?: string };
        if (!this.ended) onError?.(new Error(`Kafka, ${entry.namespace}: ${message}${error ? `: ${error}` : ''}`));
      },
    });
  }

  /** Breaks all connections and makes no more. */
  end(): void {
    this.ended = true;
    for (const socket of this.sockets) socket.destroy(new Error('the client was ended'));
  }

  private socket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    if (this.ended) throw new Error('the client was ended');
    const socket = ssl ? connectSecurely({ host, port, ...ssl }, onConnect) : connect({ host, port }, onConnect);
    // Each request that is made before it is connected listens for that.
    socket.setNoDelay(true).setKeepAlive(true, 60_000).setMaxListeners(0);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }
}

function read({ caFile, certFile, keyFile }: NonNullable<ClientSettings['tls']>) {
  const content = (file?: string) => (file === undefined ? undefined : readFileSync(file));
  return { ca: content(caFile), cert: content(certFile), key: content(keyFile) };
}
