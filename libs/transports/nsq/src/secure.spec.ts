import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import {
  describeBroker,
  eventually,
  member,
  numbered,
  privateBroker,
  Seen,
  sendAll,
  transportConformance,
  type PrivateBroker,
} from '@order-events/testing';
import { putBody } from '../test/other-program';
import { CLAIM_MS } from './connection';
import { NsqTransport, type NsqTransportOptions } from './transport';

describeBroker('nsq', () => {
  let broker: PrivateBroker;
  let errors: Error[];
  beforeAll(async () => {
    broker = await privateBroker('nsq', { secure: true });
  });
  afterAll(() => broker.remove());
  beforeEach(() => {
    errors = [];
  });

  const connect = (more: Partial<NsqTransportOptions> = {}) =>
    new NsqTransport({
      nsqdAddresses: broker.env.NSQD_ADDRESSES!,
      nsqlookupdAddresses: broker.env.NSQLOOKUPD_ADDRESSES!,
      applicationName: 'test',
      prefix: 'test.',
      tls: { caFile: broker.security!.certificate },
      secret: broker.security!.password,
      onError: (error) => void errors.push(error),
      ...more,
    });

  transportConformance('NsqTransport with TLS and a secret', () =>
    Promise.resolve({
      connect,
      put: (topic, body) => putBody(broker.env.NSQLOOKUPD_ADDRESSES!, `test.${topic}`, body),
      refusesEmpty: true,
      claimMs: CLAIM_MS,
      close: () => Promise.resolve(),
    }),
  );

  const detailOf = async (transport: NsqTransport) => {
    const [settlement] = await transport.publish([numbered(0)]);
    await transport.close();
    return settlement;
  };
  const unavailable = (detail: RegExp) => ({
    stored: false,
    problem: 'unavailable',
    detail: expect.stringMatching(detail),
  });

  test('a wrong secret, no secret, no TLS and an unknown authority are `unavailable`, and say why', async () => {
    expect(await detailOf(connect({ secret: 'wrong' }))).toEqual(unavailable(/E_(AUTH|UNAUTHORIZED)/));
    expect(await detailOf(connect({ secret: undefined }))).toEqual(unavailable(/E_(AUTH|UNAUTHORIZED)/));
    expect(await detailOf(connect({ tls: undefined }))).toEqual(unavailable(/E_INVALID|closed/));
    expect(await detailOf(connect({ tls: {} }))).toEqual(unavailable(/self-signed/));
  });

  test('a nsqd that offers no TLS is not told the secret', async () => {
    const heard: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        heard.push(data);
        if (data.includes('IDENTIFY')) socket.write(frame('{"max_rdy_count":2500,"msg_timeout":30000,"tls_v1":false}'));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const transport = connect({ nsqdAddresses: `127.0.0.1:${port}`, nsqlookupdAddresses: '' });
    expect(await detailOf(transport)).toEqual(unavailable(/offers no TLS/));
    expect(Buffer.concat(heard).toString()).toContain('"tls_v1":true');
    expect(Buffer.concat(heard).toString()).not.toContain(broker.security!.password);
    server.close();
  });

  test('a certificate for localhost is not taken for that of a number', async () => {
    const directory = join(broker.security!.certificate, '..');
    const [key, cert] = [join(directory, 'other.key'), join(directory, 'other.pem')];
    const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', key];
    await once(spawn('openssl', [...words, '-out', cert, '-addext', 'subjectAltName=DNS:localhost']), 'exit');
    const server = await tlsNsqd(readFileSync(key), readFileSync(cert));
    const { port } = server.address() as AddressInfo;
    const only = { nsqlookupdAddresses: '', tls: { caFile: cert } };
    expect(await detailOf(connect({ nsqdAddresses: `127.0.0.1:${port}`, ...only }))).toEqual(
      unavailable(/IP: 127.0.0.1 is not in the cert/),
    );
    expect(await detailOf(connect({ nsqdAddresses: `localhost:${port}`, ...only }))).toEqual(unavailable(/E_INVALID/));
    server.close();
  });

  test('a secured nsqd that is killed is noticed, and found again', async () => {
    const transport = connect();
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    for (let round = 0; round < 2; round++) {
      await sendAll(transport, round, 1);
      await eventually(() => seen.numbers.has(round));
      await broker.kill();
      await broker.start();
    }
    expect(errors.length).toBeGreaterThan(0);
    await subscription.close();
    await transport.close();
  });
});

/** A frame of nsqd: 0 is an answer, 1 an error. */
function frame(text: string, type = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt32BE(text.length + 4, 0);
  head.writeInt32BE(type, 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** Goes over to TLS as nsqd does, and then takes nothing. */
async function tlsNsqd(key: Buffer, cert: Buffer): Promise<Server> {
  const server = createServer((plain) => {
    plain.once('data', () => {
      plain.write(frame('{"max_rdy_count":2500,"msg_timeout":30000,"tls_v1":true}'));
      const secured = new TLSSocket(plain, { isServer: true, key, cert });
      secured.on('error', () => {});
      secured.on('secure', () => secured.write(frame('OK')));
      secured.on('data', () => secured.end(frame('E_INVALID', 1)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
