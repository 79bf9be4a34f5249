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
 * Below the ports that systems give to outgoing connections (Linux from 32768 on), any of which could be taken before its
 * server listens, and above those of systems that tests start at an offset. Each of Jest's workers has a part of its own.
 */
export const freePorts = { first: 26_000, workers: 10, each: 600 };

const given = new Set<number>();

/** A port of 127.0.0.1 that nobody listens on, and that this process was not given before. */
export async function freePort(): Promise<number> {
  const { first, workers, each } = freePorts;
  const part = first + each * (Number(process.env.JEST_WORKER_ID ?? 0) % workers);
  for (;;) {
    const port = part + Math.floor(Math.random() * each);
    if (given.has(port)) continue;
    const free = await checkPort(port).then(
      () => true,
      () => false,
    );
    if (!free) continue;
    given.add(port);
    return port;
  }
}
