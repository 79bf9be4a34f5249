import type { Message } from '@order-events/messaging';
import { describeBroker, eventually, member, numbered, range, Seen } from '@order-events/testing';
import { CoreServer } from '../../test/core-server';
import { fakeServer } from '../../test/fake-server';

describeBroker('nats', () => {
  let server: CoreServer;
  beforeEach(async () => {
    server = await CoreServer.shared();
  });
  afterEach(() => server.endTest());

  test('what is rejected comes again later each time', async () => {
    const transport = server.open();
    const times: number[] = [];
    const subscription = await member(transport, () => {
      times.push(performance.now());
      if (times.length === 1) throw new Error('not now');
      return times.length < 5 ? Promise.reject(new Error('not now')) : Promise.resolve();
    });
    await transport.publish([numbered(0)]);
    await eventually(() => times.length === 5);
    await subscription.close();
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    // 100 ms, doubled each time. A timer may be a little early.
    gaps.forEach((gap, index) => expect(gap).toBeGreaterThan(95 * 2 ** index));
    expect(server.errors.map(({ message }) => message)).toEqual(Array(4).fill('not now'));
  });

  test('what a leaving member has not handled and nobody takes is given up, aloud', async () => {
    const transport = server.open();
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    let calls = 0;
    const handle = () => {
      calls++;
      return gate;
    };
    const subscription = await member(transport, handle, { batch: 1, parallel: 1 });
    expect(await transport.publish(range(0, 5))).toEqual(Array(5).fill({ stored: true }));
    await eventually(() => calls === 1);
    const closed = subscription.close();
    letGo();
    await closed;
    expect(calls).toBe(1);
    expect(server.errors.map(({ message }) => message)).toEqual([
      '4 messages that a leaving member of g held are dropped',
    ]);
  });

  test('a member that does not say what it holds is not taken for one that holds nothing', async () => {
    const transport = server.open();
    const subscription = await member(server.open(), () => Promise.resolve());
    const bystander = await server.bystander();
    const sign = async (more = {}) => {
      bystander.publish(server.members, JSON.stringify({ id: 'silent', ...more }));
      await bystander.flush();
    };
    await sign();
    await expect(transport.backlog('g')).rejects.toThrow('no answer from all members of g');
    await sign({ left: true });
    expect(await transport.backlog('g')).toBe(0);
    bystander.subscribe(server.members, { callback: (_, msg) => void msg.respond('garbage') });
    await bystander.flush();
    await expect(transport.backlog('g')).rejects.toThrow('what answers for the members of g is none');
    await subscription.close();
  });

  test('what other programs publish arrives, however odd, and holds up nothing', async () => {
    const transport = server.open();
    const messages: Message[] = [];
    const subscription = await member(transport, (batch) => Promise.resolve(void messages.push(...batch)));
    const bystander = await server.bystander();
    bystander.publish(`${server.prefix}things`, 'no headers');
    for (const garbage of ['', 'null', '{', '{"id":1}', '{"id":"x","peers":1}'])
      for (const subject of [server.members, server.members.replace('$members', '$handed')])
        bystander.publish(subject, garbage);
    await bystander.flush();
    const ours = numbered(0, Buffer.from('ours'));
    expect(await transport.publish([ours])).toEqual([{ stored: true }]);
    await eventually(() => messages.some(({ key }) => key === ours.key));
    const told = messages.map(({ topic, key, body }) => ({ topic, key, body: Buffer.from(body).toString() }));
    expect(told).toEqual(
      expect.arrayContaining([
        { topic: 'things', key: '', body: 'no headers' },
        { topic: 'things', key: ours.key, body: 'ours' },
      ]),
    );
    await subscription.close();
  });

  test('who asks for a stream’s answer does not get a member’s', async () => {
    const transport = server.open();
    const seen = new Seen();
    const subscription = await member(transport, seen.handle);
    const bystander = await server.bystander();
    const answers: string[] = [];
    const reply = `${server.prefix}answers`;
    bystander.subscribe(reply, { callback: (_, msg) => void answers.push(msg.string()) });
    bystander.publish(`${server.prefix}things`, 'x', { reply });
    await eventually(() => seen.total === 1);
    await transport.ping();
    await bystander.flush();
    expect(answers).toEqual([]);
    await subscription.close();
  });

  test('a follower that is too slow says what it misses, once', async () => {
    const transport = server.open();
    const seen = new Seen();
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const handle = async (batch: readonly Message[]) => {
      await gate;
      await seen.handle(batch);
    };
    const follower = await transport.subscribe({
      ...{ group: null, topics: ['things'], batch: 100, waitMs: 0, inFlight: 10, parallel: 1, handle },
    });
    const bystander = await server.bystander();
    for (let n = 0; n < 2_010; n++) bystander.publish(`${server.prefix}things`, 'x');
    await eventually(() => server.errors.length > 0);
    letGo();
    await eventually(() => seen.total === 2_000);
    expect(server.errors.map(({ message }) => message)).toEqual(['a broadcast was interrupted: it came too fast']);
    await follower.close();
  });

  test('a subscription that the server does not permit is told, and tried again', async () => {
    let asked = 0;
    const strict = await fakeServer({ version: '2.10.0', max_payload: 1_048_576 }, (said, socket) => {
      if (!said.includes(`SUB ${server.prefix}things `)) return;
      asked++;
      const subscription = `Subscription to "${server.prefix}things" using queue "${server.queue}"`;
      socket.write(`-ERR 'Permissions Violation for ${subscription}'\r\n`);
    });
    const subscription = await member(server.open(strict.url), () => Promise.resolve());
    await eventually(() => asked >= 2);
    expect(server.errors[0]!.message).toContain('Permissions Violation');
    await subscription.close();
    await server.endTest();
    await strict.close();
  });
});
