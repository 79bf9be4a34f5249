import type { Message } from '@order-events/messaging';
import { eventually } from '../eventually';
import { Seen } from '../transport-load';
import type { Bench } from './bench';

/** What no service of ours would send, and none could read. */
const strange = ['garbage', '{"order_id":', 'null', '[7]', '"specversion"'].map((text) => Buffer.from(text));
strange.push(Buffer.from([0xff, 0xfe, 0, 0x80]), Buffer.from([0]), Buffer.alloc(0));

const isOurs = ({ headers }: Message) => 'number' in headers;

export function foreignTests(current: () => Bench): void {
  it('hands over whatever bytes other programs put there, again when they are rejected, and goes on behind them', async () => {
    const bench = current();
    const { test, topic } = bench;
    const transport = bench.connect();
    const bodies = strange.filter(({ length }) => length > 0 || !test.refusesEmpty);
    const [ours, theirs]: [Seen, Message[]] = [new Seen(), []];
    let rejections = 2;
    const handle = async (batch: readonly Message[]) => {
      const others = batch.filter((message) => !isOurs(message));
      if (others.length > 0 && rejections-- > 0) throw new Error('not to be read');
      theirs.push(...others);
      await ours.handle(batch.filter(isOurs));
    };
    const subscription = await bench.publishAndSubscribe(transport, bench.messages(0, 20, 7), handle, { batch: 4 });
    for (const body of bodies) await test.put(topic, body);
    await bench.publish(transport, bench.messages(20, 20, 7));
    await eventually(() => theirs.length >= bodies.length && ours.total >= 40);
    await subscription.close();
    const told = theirs.map(({ body, ...rest }) => ({ ...rest, body: Buffer.from(body).toString('hex') }));
    const expected = bodies.map((body) => ({ topic, key: '', headers: {}, body: body.toString('hex') }));
    expect(told.sort((a, b) => a.body.localeCompare(b.body))).toEqual(
      expected.sort((a, b) => a.body.localeCompare(b.body)),
    );
    expect(ours.total).toBe(40);
    expect(await transport.backlog(bench.group)).toBe(0);
  });
}
