import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface FakeServer {
  url: string;
  /** Of all connections that it was asked for. */
  sockets: readonly Socket[];
  close(): Promise<void>;
}

/** Says what a server says first, and answers pings. */
export const fakeServer = (
  info: Record<string, unknown>,
  hear: (said: string, socket: Socket) => void = () => undefined,
): Promise<FakeServer> =>
  listening((socket) => {
    socket.write(`INFO ${JSON.stringify({ ...info, proto: 1, headers: true })}\r\n`);
    socket.on('data', (chunk: Buffer) => {
      hear(chunk.toString(), socket);
      if (!socket.destroyed) socket.write('PONG\r\n'.repeat(chunk.toString().split('PING\r\n').length - 1));
    });
  });

/** Takes a connection and says nothing. */
export const silentServer = (): Promise<FakeServer> => listening(() => undefined);

async function listening(greet: (socket: Socket) => void): Promise<FakeServer> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    greet(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    sockets,
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
