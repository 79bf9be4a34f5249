import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { freePort } from '../ports';
import {
  type Address,
  kafkaBrokers,
  probeAmqp,
  probeEpmd,
  probeKafka,
  probeNats,
  probeNsqd,
  probeRedis,
} from './probe';

const probes: Record<string, (address: Address) => Promise<unknown>> = {
  kafkaBrokers,
  probeAmqp,
  probeEpmd,
  probeKafka,
  probeNats,
  probeNsqd,
  probeRedis,
};

/** A server that says something to everybody. */
async function saying(greeting: string) {
  const server = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end(greeting),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, server };
}

describe.each(Object.keys(probes))('%s', (name) => {
  const probe = probes[name]!;

  test('rejects where nobody listens', async () => {
    await expect(probe({ host: '127.0.0.1', port: await freePort() })).rejects.toThrow(/ECONNREFUSED/);
  });

  test('rejects another protocol', async () => {
    const { address, server } = await saying('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    await expect(probe(address)).rejects.toThrow(/speaks another protocol/);
    server.close();
  });

  test('rejects who hangs up', async () => {
    const { address, server } = await saying('');
    await expect(probe(address)).rejects.toThrow(/closed the connection|ECONNRESET/);
    server.close();
  });
});
