import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { Message } from '@order-events/messaging';
import { describeBroker, eventually, member, numbered, range, Seen, untilFollowed } from '@order-events/testing';
import { fakeServer } from '../test/fake-server';
import { drained, TestServer } from '../test/server';

describeBroker('nats', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await TestServer.shared();
  });
  afterEach(() => server.endTest());

  test('what is rejected comes again later each time, and never stops coming', async () => {
    const transport = await server.declared();
    await transport.publish([numbered(0)]);
    const times: number[] = [];
    const subscription = await member(transport, () => {
      times.push(performance.now());
      return times.length < 6 ? Promise.reject(new Error('not now')) : Promise.resolve();
    });
    await eventually(() => times.length === 6);
    await subscription.close();
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    // 100 ms, doubled each time. A timer of another process may be a little early.
    gaps.forEach((gap, index) => expect(gap).toBeGreaterThan(95 * 2 ** index));
    expect(await transport.backlog('g')).toBe(0);
    expect(server.errors.map(({ message }) => message)).toEqual(Array(5).fill('not now'));
  });

  test('a handler that throws instead of rejecting', async () => {
    const transport = await server.declared();
    await transport.publish([numbered(0)]);
    let calls = 0;
    const subscription = await member(transport, () => {
      if (calls++ === 0) throw new Error('thrown');
      return Promise.resolve();
    });
    await eventually(() => calls === 2);
    await subscription.close();
    expect(await transport.backlog('g')).toBe(0);
  });

  test('what other programs publish arrives, however odd, and holds up nothing', async () => {
    const transport = await server.declared();
    const bystander = await server.bystander();
    bystander.publish(`${server.prefix}things`, 'no headers');
    await bystander.flush();
    const odd = [
      'NATS/1.0\r\nno name: x\r\n\r\n',
      'NATS/1.0\r\nno colon\r\n\r\n',
      'NATS/1.0\r\nce-a: 100%\r\nce-b: a\r\nce-b: b\r\nce-partitionkey: p\r\n\r\n',
      'NATS/1.0 503\r\n\r\n',
    ];
    await rawPublish(server.url, `${server.prefix}things`, odd);
    const ours = numbered(0, Buffer.from('ours'));
    await transport.publish([ours]);
    const messages = await drained(transport, odd.length + 2);
    const told = messages.map(({ key, headers, body }) => ({ key, headers, body: Buffer.from(body).toString() }));
    expect(told).toHaveLength(odd.length + 2);
    expect(told).toEqual(
      expect.arrayContaining([
        { key: '', headers: {}, body: 'no headers' },
        ...Array<object>(3).fill({ key: '', headers: {}, body: 'odd' }),
        { key: 'p', headers: { 'ce-a': '100%', 'ce-b': 'a', 'ce-partitionkey': 'p' }, body: 'odd' },
        { key: ours.key, headers: ours.headers, body: 'ours' },
      ]),
    );
    expect(server.errors).toEqual([]);
  });

  test('headers and keys come through as they are', async () => {
    const transport = await server.declared();
    const headers = {
      'ce-id': randomUUID(),
      'ce-odd': ' \t"quoted" 100%25 \r\n\0ü 💶 ',
      'content-type': 'application/json; charset=utf-8',
      'X-Plain': '  a: b  ',
      empty: '',
    };
    await transport.publish([{ ...numbered(0), key: ' k\n', headers }]);
    expect(await drained(transport, 1)).toMatchObject([{ key: ' k\n', headers }]);
  });

  test('a subscription closed while there is much to fetch gives the rest to the next at once', async () => {
    const transport = await server.declared();
    await transport.publish(range(0, 200));
    const seen = new Seen();
    const handle = async (batch: readonly Message[]) => {
      await new Promise(setImmediate);
      await seen.handle(batch);
    };
    while (seen.total < 200) {
      const subscription = await member(transport, handle);
      const before = seen.total;
      await eventually(() => seen.total > before);
      await subscription.close();
      await subscription.close();
    }
    expect(seen.distinct).toBe(200);
    expect(seen.total).toBe(200);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a member goes on asking while nothing comes, and never for more than it may hold', async () => {
    const transport = await server.declared();
    const bystander = await server.bystander();
    const asked: number[] = [];
    bystander.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${server.stream}.${server.name('g')}`, {
      callback: (_, request) => asked.push(request.json<{ batch: number }>().batch),
    });
    await bystander.flush();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { inFlight: 7 });
    await eventually(() => asked.length === 3);
    await transport.publish([numbered(0)]);
    await eventually(() => seen.total === 1);
    await subscription.close();
    expect(asked.slice(0, 3)).toEqual([7, 7, 7]);
  });

  test('a member asks anew when the server is there and says nothing about the messages', async () => {
    let requests = 0;
    const mute = await fakeServer({ version: '2.10.0', max_payload: 1_048_576 }, (said) => {
      requests += said.split('PUB $JS.API.CONSUMER.MSG.NEXT').length - 1;
    });
    const transport = server.open(mute.url);
    const subscription = await member(transport, () => Promise.resolve());
    await eventually(() => requests === 2);
    expect(server.errors.map(({ message }) => message)).toEqual([expect.stringContaining('no sign of life')]);
    expect(mute.sockets).toHaveLength(1);
    await subscription.close();
    await transport.close();
    await mute.close();
  });

  test('who acknowledges first is handed nothing of which the server has not said that it knows', async () => {
    const transport = await server.declared();
    const jsm = await server.jetstreamManager();
    const seen = new Seen();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const handle = (batch: readonly Message[]) => seen.handle(batch).then(() => finished);
    const subscription = await member(transport, handle, { acknowledgeFirst: true });
    await transport.publish([numbered(0)]);
    await eventually(() => seen.total === 1);
    // It has the same key, and waits in hand for the first.
    await transport.publish([numbered(13)]);
    const group = server.name('g');
    await eventually(async () => (await jsm.consumers.info(server.stream, group)).num_ack_pending === 1);
    await jsm.consumers.delete(server.stream, group);
    finish();
    await eventually(() => server.told('could not be acknowledged'));
    await subscription.close();
    expect([...seen.numbers]).toEqual([0]);
  });

  test('a follower leaves nothing on the server', async () => {
    const transport = await server.declared();
    const jsm = await server.jetstreamManager();
    const subscription = await member(transport, () => Promise.resolve(), { group: null });
    const consumers = async () => (await jsm.streams.info(server.stream)).state.consumer_count;
    await eventually(async () => (await consumers()) === 2);
    await subscription.close();
    expect(await consumers()).toBe(1);
  });

  test('a broadcast whose place the server has lost says that it was interrupted, and goes on', async () => {
    const transport = await server.declared();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle, { group: null });
    await untilFollowed(transport, seen);
    const jsm = await server.jetstreamManager();
    const consumers = await jsm.consumers.list(server.stream).next();
    const follower = consumers.find(({ name }) => name !== server.name('g'))!;
    await jsm.consumers.delete(server.stream, follower.name);
    await eventually(() => server.told('a broadcast was interrupted'));
    await untilFollowed(transport, seen);
    await subscription.close();
  });
});

/** Publishes with headers that no client would make. */
async function rawPublish(url: string, subject: string, headers: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.write('CONNECT {"headers":true,"verbose":false}\r\n');
  for (const header of headers) {
    socket.write(`HPUB ${subject} ${header.length} ${header.length + 3}\r\n${header}odd\r\n`);
  }
  socket.write('PING\r\n');
  await eventually(() => received.includes('PONG'));
  socket.destroy();
}
