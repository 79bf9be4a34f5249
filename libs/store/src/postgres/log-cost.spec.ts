import { Client } from 'pg';
import { logSql } from './log-sql';
import { OutboxDatabase } from '../../test/outbox-database';

interface Plan {
  'Node Type': string;
  'Index Name'?: string;
  'Actual Loops': number;
  'Actual Rows': number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

const ROWS = 1_000_000;
const sql = logSql('outbox');
let outbox: OutboxDatabase;
let client: Client;
/** Everything is visible in it. */
let now: string;

beforeAll(async () => {
  outbox = await OutboxDatabase.create();
  client = new Client({ connectionString: outbox.url });
  await client.connect();
  await client.query(`INSERT INTO outbox (id, topic, key, headers, body)
    SELECT gen_random_uuid(), 'order.created', 'k' || n % 1000, '{"ce-id":"x"}', 'x' FROM generate_series(1, ${ROWS}) n`);
  const { rows } = await client.query<{ now: string }>('SELECT pg_current_snapshot()::text AS now');
  now = rows[0]!.now;
  for (const name of ['open', 'openTo', 'next'] as const) await client.query(`PREPARE ${name} AS ${sql[name].text}`);
});
afterAll(async () => {
  await client.end();
  await outbox.close();
});

/** Runs a statement, and tells how many blocks it touched and which nodes of its plan did anything. */
async function cost(name: 'open' | 'openTo' | 'next', values: string): Promise<{ blocks: number; nodes: Plan[] }> {
  const explained = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE ${name} (${values})`,
  );
  const plan = explained.rows[0]!['QUERY PLAN'][0].Plan;
  const nodes = flat(plan).filter((node) => node['Actual Loops'] > 0);
  return { blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], nodes };
}

function flat(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(flat)];
}

const next = (position: number) => cost('next', `'{0}', '{1:1:}', '{"${now}"}', '{${position}}', 100, NULL`);
const open = (last: string) => cost('open', `'{0}', '{"${last}"}', '{0}', 100, NULL`);
const openTo = (last: string, win: string) => cost('openTo', `'{0}', '{"${last}"}', '{0}', 100, NULL, '${win}'`);

/** A page of 100 rows is a handful of blocks of the table and of the index in each of its partitions. */
const PAGE_BLOCKS = 60;

describe.each(['without statistics', 'with statistics'])('of 1,000,000 rows %s', (state) => {
  beforeAll(async () => {
    if (state === 'with statistics') await client.query('VACUUM ANALYZE outbox');
  });

  describe.each(['force_custom_plan', 'force_generic_plan'])('under %s', (mode) => {
    beforeAll(() => client.query(`SET plan_cache_mode = ${mode}`));

    test('a page costs the same at the beginning, in the middle and at the end, and sorts nothing', async () => {
      for (const position of [100, ROWS / 2, ROWS - 100]) {
        const { blocks, nodes } = await next(position);
        expect(blocks).toBeLessThan(PAGE_BLOCKS);
        const kinds = nodes.map((node) => node['Node Type']);
        expect(kinds).not.toContain('Sort');
        expect(kinds).not.toContain('Seq Scan');
        const indexes = nodes.flatMap((node) => node['Index Name'] ?? []);
        expect(indexes.length).toBeGreaterThan(0);
        for (const index of indexes) expect(index).toMatch(/_partition_position_idx$/);
      }
    });

    test('a reader that has read them all does not look at them again', async () => {
      expect((await open(now)).blocks).toBeLessThan(PAGE_BLOCKS);
      expect((await openTo(now, now)).blocks).toBeLessThan(PAGE_BLOCKS);
    });
  });
});

test('how large the bodies are is known without a look at them', async () => {
  const { rows: before } = await client.query<{ now: string }>('SELECT pg_current_snapshot()::text AS now');
  await client.query('ALTER TABLE outbox ALTER body SET STORAGE EXTERNAL');
  await client.query(`INSERT INTO outbox (id, topic, key, headers, body)
    SELECT gen_random_uuid(), 'order.created', 'k', '{}', convert_to(repeat('x', 700000), 'utf8') FROM generate_series(1, 100) n`);
  const { blocks, nodes } = await open(before[0]!.now);
  // Of a hundred rows, as long as they are short in the table itself.
  expect(blocks).toBeLessThan(PAGE_BLOCKS);
  expect(nodes[0]!['Actual Rows']).toBe(6);
});

test('a few new rows behind 1,000,000 that are read cost a few blocks', async () => {
  await client.query(`INSERT INTO outbox (id, topic, key, headers, body)
    SELECT gen_random_uuid(), 'order.created', 'k', '{}', 'x' FROM generate_series(1, 5) n`);
  expect((await open(now)).blocks).toBeLessThan(PAGE_BLOCKS);
  const { rows } = await client.query<{ later: string }>('SELECT pg_current_snapshot()::text AS later');
  expect((await openTo(now, rows[0]!.later)).blocks).toBeLessThan(PAGE_BLOCKS);
});
