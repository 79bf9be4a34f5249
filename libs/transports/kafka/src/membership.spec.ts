import { describeBroker, eventually, Seen, sendAll } from '@order-events/testing';
import { TestKafka } from '../test/kafka';

describeBroker('kafka', () => {
  let kafka: TestKafka;
  beforeEach(async () => {
    kafka = await TestKafka.shared();
  });
  afterEach(() => kafka.close());

  test('a rebalance waits for the calls that run, and nothing is handled twice', async () => {
    const transport = await kafka.declared();
    const seen = new Seen();
    let running = 0;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    // There before the member, so that one fetch brings it enough for two calls.
    await sendAll(transport, 0, 60);
    const slow = await kafka.subscribe(
      async (batch) => {
        running++;
        await seen.handle(batch);
        await finished;
      },
      { batch: 5 },
    );
    await eventually(() => running === 2);
    const joining = await kafka.subscribe(seen.handle);
    await eventually(() => kafka.told('is rebalanced') || kafka.told('group is rebalancing'));
    expect(seen.total).toBe(10);
    finish();
    await eventually(() => seen.distinct === 60);
    await Promise.all([slow.close(), joining.close()]);
    expect(seen.total).toBe(60);
    expect(await transport.backlog('g')).toBe(0);
  });

  test('a rebalance waits for a held call also of a member that reads on beside it', async () => {
    const transport = await kafka.declared();
    const [seen, late] = [new Seen(), new Seen()];
    let isHolding = false;
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const slow = await kafka.subscribe(async (batch) => {
      if (batch.some(({ headers }) => headers['number'] === '0')) {
        isHolding = true;
        await finished;
      }
      await seen.handle(batch);
    });
    await sendAll(transport, 0, 1);
    await eventually(() => isHolding);
    await sendAll(transport, 1, 12);
    await eventually(() => seen.distinct > 0);
    const joining = await kafka.subscribe(late.handle);
    await eventually(() => kafka.told('group is rebalancing'));
    await sendAll(transport, 13, 60);
    const handled = late.total;
    finish();
    await eventually(() => new Set([...seen.numbers, ...late.numbers]).size === 73);
    await Promise.all([slow.close(), joining.close()]);
    expect(handled).toBe(0);
    expect(seen.total + late.total).toBe(73);
    expect(await transport.backlog('g')).toBe(0);
  });
});
