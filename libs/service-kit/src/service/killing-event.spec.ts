import { PostgresStore } from '@order-events/store';
import { eventually, freePort } from '@order-events/testing';
import { Child } from '../../test/child';
import { counted, hurry, inWorlds, publish, reserved, sql, start, TOKEN, world } from '../../test/operated-services';

inWorlds();

const orders = Array.from({ length: 60 }, (_, i) => `o${i}`);
let child: Child | undefined;
afterEach(() => child?.process.kill('SIGKILL'));

async function startChild(env: NodeJS.ProcessEnv = {}): Promise<void> {
  const databases = { DATABASE_URL: world.own.url, EVENTS_DATABASE_URL: world.events.url };
  const OPERATOR_PORT = String(await freePort());
  child = new Child('poisoned.ts', [], { ...databases, OPERATOR_TOKEN: TOKEN, OPERATOR_PORT, ...env });
}
/** Lets it run until `done`. Returns whether it was killed before. */
async function diesBefore(done: () => Promise<boolean>): Promise<boolean> {
  const { process } = child!;
  await eventually(async () => {
    if (process.exitCode !== null) throw new Error(`it ended by itself: ${child!.stderr}`);
    // Else a try that was not heard of is waited for, half a minute long.
    await hurry();
    return process.signalCode !== null || (await done());
  });
  return process.signalCode !== null;
}
const poison = () =>
  sql<{ state: string; crashes: number; errors: { error: string }[] }>(
    world.own,
    `SELECT i.state, f.crashes, f.errors FROM inbox i JOIN failures f USING (consumer_group, id) WHERE i.key = 'poison'`,
  );
const isDead = async () => (await poison())[0]?.state === 'dead';

test('an event that kills every process that decides it dies, and not the service; redriven, it counts again', async () => {
  await publish(...orders.slice(0, 30).map(reserved), reserved('poison'), ...orders.slice(30).map(reserved));
  let deaths = 0;
  for (await startChild(); await diesBefore(isDead); await startChild()) deaths++;
  expect(child!.stdout).toContain('a process of the service has died');
  // The first to decide it did not know yet that there is one.
  expect(deaths).toBe(4);
  await eventually(async () => (await counted()).size === orders.length);
  const [letter] = await poison();
  expect(letter).toMatchObject({ state: 'dead', crashes: 3 });
  expect(letter!.errors.at(-1)!.error).toBe('UncleanExit: 3 tries in a row have ended with their process');
  expect(letter!.errors).toHaveLength(4);

  const store = new PostgresStore({ url: world.own.url, connections: 1, applicationName: 'test', onError: () => {} });
  const redrive = () => store.deadLetters.redrive({}, { actor: 'ann', reason: 'mended, she thinks', limit: 10 });
  expect(await redrive()).toBe(1);
  // It is known, so the first to take it up again counts.
  expect(await diesBefore(isDead)).toBe(true);
  expect(await poison()).toMatchObject([{ state: 'retrying', crashes: 1 }]);

  await startChild({ MENDED: '1' });
  expect(await diesBefore(async () => (await counted()).has('poison'))).toBe(false);
  await store.close();
  expect(new Set((await counted()).values())).toEqual(new Set([1]));
  expect((await counted()).size).toBe(orders.length + 1);
  expect(await poison()).toEqual([]);
});

test('a process that is stopped in order leaves no mark, one that is killed does', async () => {
  const marks = () =>
    sql<{ lost: boolean }>(world.own, 'SELECT lost_at IS NOT NULL AS lost FROM processes ORDER BY backend_start');
  await start();
  expect(await marks()).toEqual([{ lost: false }]);
  await world.running.pop()!.stop();
  expect(await marks()).toEqual([]);
  await startChild();
  await child!.says('ready');
  child!.process.kill('SIGKILL');
  await start();
  await eventually(async () => (await marks())[0]?.lost === true);
  expect(await marks()).toEqual([{ lost: true }, { lost: false }]);
});
