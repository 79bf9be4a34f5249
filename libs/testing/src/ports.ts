import { createServer } from 'node:net';

/** Rejects with the system's error (`EADDRINUSE`, …) when nothing could listen on 127.0.0.1:`port`. */
export function checkPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve()));
  });
}

/**
 * A port of 127.0.0.1 that nobody listens on. It is drawn below the range from which systems give ports to outgoing
 * connections, so that none of those takes it before the caller does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    const free = await checkPort(port).then(
      () => true,
      () => false,
    );
    if (free) return port;
  }
}
