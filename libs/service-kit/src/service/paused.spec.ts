import { eventually } from '@order-events/testing';
import { counted, hurry, inWorlds, lag, publish, reserved, sql, start, world } from '../../test/operated-services';

inWorlds();

test('a paused group stands still in every process, also in one that starts, and goes on when it is resumed', async () => {
  const [one, two] = [await start(), await start()];
  world.poisoned.add('bad');
  await publish(reserved('o1'), reserved('bad'));
  await eventually(async () => (await counted()).size === 1 && (await lag(one)).retrying === 1);
  const why = { actor: 'ann', reason: 'the handler is wrong' };
  const { body } = await one('/pause', why);
  expect(body).toMatchObject({ group: 'order-api', paused: why });
  const members = async () =>
    (await sql(world.events, `SELECT FROM log_cursor WHERE reader = 'order-api' AND owner IS NOT NULL`)).length;
  await eventually(async () => (await members()) === 0);
  await publish(reserved('o2'));
  const three = await start();
  world.poisoned.clear();
  await hurry();
  for (const ask of [one, two, three]) expect(await lag(ask)).toMatchObject({ paused: why, backlog: 1, retrying: 1 });
  expect([...(await counted()).keys()]).toEqual(['o1']);
  expect(await members()).toBe(0);
  for (const { checks } of world.running) await checks['consuming']!();

  expect((await two('/resume', { actor: 'bob', reason: 'mended' })).body).toEqual({ group: 'order-api', paused: null });
  await eventually(async () => (await counted()).size === 3);
  expect((await three('/actions')).body.items).toMatchObject([
    { action: 'resume', actor: 'bob', consumer_group: 'order-api' },
    { ...why, action: 'pause' },
  ]);
});

test('a handler that fails at everything pauses its group, instead of making a dead letter of each order', async () => {
  const orders = Array.from({ length: 2_000 }, (_, n) => `o${n}`);
  world.poisoned = new Set(orders);
  const [one, two] = [await start(), await start()];
  await publish(...orders.map(reserved));
  await eventually(async () => (await lag(one)).paused !== null);
  const paused = {
    actor: 'order-api',
    reason: expect.stringMatching(/^\d+ of the last \d+ orders failed, .*cannot count o/),
  };
  // Each process has its world.own alarm: one that has not seen the pause yet would order another, after the resume.
  const figures = () => Promise.all(world.running.map(({ metrics }) => metrics.registry.metrics()));
  const isPaused = /^order_events_paused\{service="order-api"\} 1$/m;
  await eventually(async () => (await figures()).every((figure) => isPaused.test(figure)));
  expect(await lag(one)).toMatchObject({ paused, dead: 0 });
  const { retrying, backlog } = await lag(one);
  expect(retrying).toBeGreaterThan(50);
  expect(backlog).toBeGreaterThan(0);

  world.poisoned.clear();
  await one('/resume', { actor: 'ann', reason: 'mended' });
  await eventually(async () => {
    await hurry();
    return (await counted()).size === orders.length;
  });
  expect(new Set((await counted()).values())).toEqual(new Set([1]));
  expect(await lag(two)).toMatchObject({ paused: null, retrying: 0, dead: 0, backlog: 0 });
});

test('orders that fail again and again pause nobody, also when nothing else happens', async () => {
  const orders = Array.from({ length: 200 }, (_, n) => `o${n}`);
  world.poisoned = new Set(orders.filter((_, n) => n % 3 === 0));
  const ask = await start();
  await publish(...orders.map(reserved));
  await eventually(async () => (await counted()).size === 133);
  await eventually(async () => {
    await hurry();
    const { dead, paused } = await lag(ask);
    return dead === 67 || paused !== null;
  });
  expect(await lag(ask)).toMatchObject({ dead: 67, paused: null });
});
