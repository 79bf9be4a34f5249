import { Client } from 'pg';
import { OutboxDatabase } from '../../test/outbox-database';
import { operatorReadsSql as sql } from './operator-reads';

interface Plan {
  'Node Type': string;
  'Actual Loops': number;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

const ROWS = 300_000;
const DEAD = 20_000;
const KEY = `'k7'`;
const LIMIT = 100;
let outbox: OutboxDatabase;
let client: Client;

beforeAll(async () => {
  outbox = await OutboxDatabase.create();
  client = new Client({ connectionString: outbox.url });
  await client.connect();
  await client.query('SET plan_cache_mode = force_generic_plan');
  const ids = `(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid`;
  const numbers = `generate_series(1, ${ROWS}) n`;
  await client.query(`INSERT INTO inbox (consumer_group, id, state, topic, key)
    SELECT 'g', ${ids}, CASE WHEN n <= ${DEAD} THEN 'dead' WHEN n % 1000 = 0 THEN 'discarded' ELSE 'applied' END,
      'order.created', 'k' || n / 10 FROM ${numbers}`);
  await client.query(`INSERT INTO failures (consumer_group, id, topic, key, headers, body, attempts)
    SELECT consumer_group, id, topic, key, '{}', 'x', 1 FROM inbox WHERE state <> 'applied'`);
  await client.query(`INSERT INTO outbox (id, topic, key, headers, body)
    SELECT ${ids}, 'order.created', 'k' || n / 10, '{"ce-id":"x"}', 'x' FROM ${numbers}`);
  await client.query(`INSERT INTO effects (kind, key, idempotency_key, input, state)
    SELECT 'call', 'k' || n / 10, n, '{}', CASE WHEN n <= 50 AND n % 10 = 0 THEN 'open' ELSE 'closed' END FROM ${numbers}`);
  for (const { name, text } of Object.values(sql)) await client.query(`PREPARE ${name} AS ${text}`);
});
afterAll(async () => {
  await client.end();
  await outbox.close();
});

const flat = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flat)];

/** Runs a statement, and tells how many rows came, how many blocks it touched, and what it read from end to end. */
async function cost(name: keyof typeof sql, values: string) {
  const explained = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE ${sql[name].name} ${values}`,
  );
  const plan = explained.rows[0]!['QUERY PLAN'][0].Plan;
  const read = (node: Plan) => node['Actual Loops'] * (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0));
  const scanned = flat(plan).filter((node) => node['Node Type'] === 'Seq Scan' && read(node) > 0);
  return { rows: plan['Actual Rows'], blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], scanned };
}

/** A row is a few blocks of an index and one of its table, and an absent one of each partition's. */
const BLOCKS = 10 * LIMIT;

/** Reads so many rows and no table. */
async function reads(name: keyof typeof sql, values: string, wanted: number): Promise<void> {
  const { blocks, rows, scanned } = await cost(name, values);
  expect({ rows, scanned }).toEqual({ rows: wanted, scanned: [] });
  expect(blocks).toBeLessThan(BLOCKS);
}

describe.each(['without statistics', 'with statistics'])('of 300,000 rows %s', (state) => {
  beforeAll(async () => {
    if (state === 'with statistics') await client.query('VACUUM ANALYZE');
  });

  test.each([
    ['inboxOfKey', `(${LIMIT}, ${KEY}, NULL)`, 10],
    ['inboxOfKey', `(${LIMIT}, ${KEY}, 'applied')`, 0],
    ['inboxUnapplied', `(${LIMIT}, 'dead')`, LIMIT],
    ['inboxUnapplied', `(${LIMIT}, 'discarded')`, LIMIT],
    ['inboxUnapplied', `(${LIMIT}, 'retrying')`, 0],
    ['inboxNewest', `(${LIMIT}, '{g,relay}', NULL)`, LIMIT],
    ['inboxNewest', `(${LIMIT}, '{g,relay}', 'applied')`, LIMIT],
    ['outboxOfKey', `(${LIMIT}, ${KEY})`, 10],
    ['outboxNewest', `(${LIMIT})`, LIMIT],
    ['effectsOfKey', `(${LIMIT}, ${KEY}, NULL)`, 10],
    ['effectsNewest', `(${LIMIT}, 'closed')`, LIMIT],
  ] as const)('%s%s reads what it shows, and no table', reads);
});

// How rare it is that something is not done, only statistics can tell.
test.each([
  ['effectsUnfinished', `(${LIMIT}, 'open')`, 5],
  ['unfinished', '', 1],
] as const)('%s%s reads what is not done, and no table', reads);
