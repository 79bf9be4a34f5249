import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { connect, type ConnectionOptions, type NatsConnection } from 'nats';

export interface ConnectionSettings {
  /** `nats://user:password@host:port`, `tls://…`, several with commas between them. A user alone is a token. */
  url: string;
  /** Files in PEM: the authority of the servers' certificates, if it is not a public one, and our own certificate. */
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** Shown by the server's list of connections. */
  applicationName: string;
  onError(error: Error): void;
}

/** Three of them without an answer, and the connection is given up. */
const PING_MS = 3_000;

/** By attempt, the sockets that it opens: the client keeps no hold of one on which nobody answers, and leaves it open. */
const attempt = new AsyncLocalStorage<Set<Socket>>();
subscribe('net.client.socket', (event) => attempt.getStore()?.add((event as { socket: Socket }).socket));

/** One attempt at each server. When it fails, takes `timeout` milliseconds or is aborted, nothing of it stays open. */
export async function dial(
  settings: ConnectionSettings,
  timeout: number,
  signal: AbortSignal,
): Promise<NatsConnection> {
  const sockets = new Set<Socket>();
  const drop = () => sockets.forEach((socket) => socket.destroy());
  signal.addEventListener('abort', drop);
  try {
    return await attempt.run(sockets, () => connect(options(settings, timeout)));
  } catch (error) {
    drop();
    throw error;
  } finally {
    signal.removeEventListener('abort', drop);
  }
}

function options({ url, tls, applicationName }: ConnectionSettings, timeout: number): ConnectionOptions {
  const urls = url.split(',').map((one) => new URL(one.trim()));
  const { username = '', password = '' } = urls.find((one) => one.username !== '') ?? {};
  const [user, pass] = [username, password].map(decodeURIComponent) as [string, string];
  const credentials = pass !== '' ? { user, pass } : user !== '' ? { token: user } : {};
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || 4222}`),
    name: applicationName,
    ...credentials,
    ...(tls || urls.some(({ protocol }) => protocol === 'tls:') ? { tls: tls ?? {} } : {}),
    reconnect: false,
    timeout,
    pingInterval: PING_MS,
    maxPingOut: 2,
    noAsyncTraces: true,
  };
}
