import * as email from '../../apps/email-service/src/domain';
import * as inventory from '../../apps/inventory-service/src/domain';
import * as logistics from '../../apps/logistics-service/src/domain';
import { advanced } from '../../apps/order-api/src/deadlines/sweeper';
import * as orderApi from '../../apps/order-api/src/domain';
import * as payment from '../../apps/payment-service/src/domain';
import { keeper, losing, ways } from '../src/simulate/bugs/lost-delivery';
import { lossless, profiles } from '../src/simulate/profiles';
import { failureOf } from '../src/simulate/report';
import { Simulation, type SimulationOptions } from '../src/simulate/simulation';
import { loadWorkspace, type Workspace } from '../src/simulate/workspace';

const workspace = loadWorkspace();
const run = (options: Omit<SimulationOptions, 'workspace'>) => new Simulation({ workspace, ...options }).run();

test('what is simulated are the parts that ship, of the types that the simulator takes them for', () => {
  const shipped: Pick<Workspace, 'domains' | 'orders' | 'advanced'> = {
    domains: {
      'order-api': { ...orderApi, answers: [] },
      inventory: { ...inventory, answers: [] },
      payment: { ...payment, handlers: Object.values(payment.orderHandlers(null)) },
      logistics,
      email: { ...email, answers: [email.sendAnswered] },
    },
    orders: orderApi,
    advanced,
  };
  for (const [service, { tables, answers }] of Object.entries(shipped.domains)) {
    const loaded = workspace.domains[service as keyof Workspace['domains']];
    expect(loaded.tables).toBe(tables);
    expect(loaded.answers).toEqual(answers);
  }
  expect(workspace.orders.place).toBe(orderApi.place);
  expect(workspace.advanced).toBe(advanced);
});

test('the same seed does the same, step by step; another does something else', async () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 10; seed++) {
    const [first, second] = [await run({ seed }), await run({ seed })];
    expect(second).toEqual(first);
    hashes.add(first.hash);
  }
  expect(hashes.size).toBe(10);
});

test.each(profiles)('whatever goes wrong on $name, each order ends, and the books agree', async (profile) => {
  const failures: string[] = [];
  for (let seed = 1; seed <= 25; seed++) {
    const result = await run({ seed, profile });
    if (result.violation !== undefined) failures.push(failureOf(result, profile.name));
  }
  expect(failures).toEqual([]);
});

/** Seeds that failed once, and are to hold from then on; with the profile of those that failed with `--profile`. */
const onceRed: readonly { seed: number; profile?: string; wrong: string }[] = [
  { seed: 542, wrong: 'a logistics restored from a dump said that it keeps goods that had left (decision 23)' },
  { seed: 626, wrong: 'a logistics restored from a dump sent goods that had been recalled (decision 23)' },
];

test.each(onceRed)('seed $seed, once red, holds: $wrong', async ({ seed, profile: name }) => {
  const result = await run({ seed, profile: profiles.find((profile) => profile.name === name) });
  expect(result.violation === undefined ? [] : [failureOf(result, name)]).toEqual([]);
});

test('there is a broker of each kind, two that lose what they have taken among them', () => {
  expect(profiles.map(({ name }) => name)).toEqual([...lossless.map(({ name }) => name), 'nats-core', 'nsq']);
});

test.each(ways)('one $topic that does not come to $group is brought back by the audit', async (way) => {
  const failures: string[] = [];
  const { parts, hasLost } = losing(way);
  for (let seed = 1; seed <= 3 || !hasLost(); seed++) {
    const result = await run({ seed, profile: keeper, parts });
    if (result.violation !== undefined) failures.push(failureOf(result));
  }
  expect(failures).toEqual([]);
});

test('every step can be read, and a failure says how to see it again', async () => {
  const lines: string[] = [];
  const result = await run({ seed: 1, print: (line) => lines.push(line) });
  expect(lines).toContainEqual(expect.stringMatching(/^ +\d+\.\d{3} order-api#\d+ +commit order\.created o1$/));
  const violation = 'o1 is captured twice';
  expect(failureOf({ ...result, violation }, 'kafka')).toContain(
    'npm run simulate -- --seed 1 --profile kafka --trace',
  );
});
