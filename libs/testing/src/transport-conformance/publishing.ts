import { randomBytes, randomUUID } from 'node:crypto';
import type { Message } from '@order-events/messaging';
import { eventually } from '../eventually';
import type { Bench } from './bench';

export function publishingTests(current: () => Bench): void {
  it('takes what nobody consumes, if that was declared', async () => {
    const bench = current();
    const unclaimed = `topic.${randomUUID()}`;
    await bench.declare([], unclaimed);
    const messages = bench.messages(0, 3, 1).map((message) => ({ ...message, topic: unclaimed }));
    await bench.publish(bench.connect(), messages);
  });

  it('stores nothing of a topic that was not declared, and goes on when it is', async () => {
    const bench = current();
    const transport = bench.connect();
    const unknown = `topic.${randomUUID()}`;
    const messages = bench.messages(0, 3, 1);
    messages[1] = { ...messages[1]!, topic: unknown };
    const settlements = await transport.publish(messages);
    if (transport.capabilities.makesTopics) {
      expect(settlements).toEqual(messages.map(() => ({ stored: true })));
      return;
    }
    expect(settlements[1]).toEqual({ stored: false, problem: 'unavailable', detail: expect.any(String) as string });
    await bench.declare([bench.group], unknown);
    await eventually(async () => (await transport.publish([messages[1]!]))[0]!.stored);
  });

  it('hands the message over as it was published', async () => {
    const bench = current();
    const message: Message = {
      topic: bench.topic,
      key: 'key/ü 💶',
      headers: { 'ce-id': randomUUID(), 'ce-odd': 'ü "quoted" \\ 💶', 'content-type': 'application/octet-stream' },
      body: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    };
    const empty = { ...message, headers: { 'ce-id': randomUUID() }, body: Buffer.alloc(0) };
    const large = { ...message, headers: { 'ce-id': randomUUID() }, body: Buffer.alloc(700_000, 'x') };
    const arrived: Message[] = [];
    const transport = bench.connect();
    await bench.publishAndSubscribe(transport, [message, empty, large], (batch) =>
      Promise.resolve(void arrived.push(...batch)),
    );
    await eventually(() => arrived.length >= 3);
    const sorted = arrived.sort((a, b) => a.body.length - b.body.length);
    expect(sorted.map(withTextualBody)).toEqual([empty, message, large].map(withTextualBody));
  });

  it('says of no message that it is stored before it is', async () => {
    const bench = current();
    const [publisher, other] = [bench.connect(), bench.connect()];
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    if (other.capabilities.fleeting) await bench.subscribe(other, () => gate);
    let sent = 0;
    for (const count of [1, 200, 200]) {
      // Large and not to be packed, so that to store them takes longer than to look.
      const messages = bench.messages(sent, count, 200).map((message) => ({ ...message, body: randomBytes(20_000) }));
      await bench.publish(publisher, messages);
      sent += count;
      expect(await other.backlog(bench.group)).toBe(sent);
    }
    letGo();
  });
}

/** Which is compared at once, where bytes would be one by one. */
const withTextualBody = ({ body, ...rest }: Message) => ({ ...rest, body: Buffer.from(body).toString('base64') });
