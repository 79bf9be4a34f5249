import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';

export interface Listening {
  port: number;
  /** Takes no new requests, lets running ones end for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Starts an HTTP server. @throws Error that names the port and its variable if it cannot be had. */
export async function listen(app: RequestListener, host: string, port: number, variable: string): Promise<Listening> {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, app);
  return {
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
 * @throws Error that names the port and its variable if it cannot be had.
 */
export async function bind(server: NetServer, host: string, port: number, variable: string): Promise<number> {
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? `Port ${port} on ${host} is in use; end what uses it, or set ${variable} to another one.`
        : `Cannot listen on port ${port} of ${host} (${message}); check HOST and ${variable}.`;
    throw new Error(why, { cause: error });
  }
  return (server.address() as AddressInfo).port;
}
