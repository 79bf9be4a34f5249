import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';

export interface Listening {
  server: Server;
  port: number;
  /** Takes no new requests, lets running ones end for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Starts an HTTP server. @throws Error that names the port and its variable if the port is taken. */
export async function listen(app: RequestListener, host: string, port: number, variable: string): Promise<Listening> {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, app);
  return {
    server,
    port: await bind(server, host, port, variable),
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

/**
 * Has any server listen, and resolves with its port, which the system chose if 0 was asked for.
 * @throws Error that names the port and its variable if the port is taken.
 */
export async function bind(server: NetServer, host: string, port: number, variable: string): Promise<number> {
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${port} on ${host} is in use; set ${variable} to another one.`, { cause: error });
  }
  return (server.address() as AddressInfo).port;
}
