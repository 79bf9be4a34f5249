import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { eventually, withClient } from '@order-events/testing';
import { client, emptyLedger } from '../src/chaos/load';
import { outcomes } from '../src/chaos/orders';
import { atRest } from '../src/chaos/rest';
import { programs } from '../src/start';
import { defaultPostgresPort } from '../src/start/ports';
import { readSecrets } from '../src/start/secrets';
import { report, type Result } from '../src/verify';
import { type TestSystem, testSystem } from './test-system';

const program = resolve(__dirname, '../../apps/cli/dist/main.js');

let real: TestSystem;
let superuserUrl: string;
beforeAll(async () => {
  real = await testSystem({ programs });
  await real.system.start();
  const { postgres } = readSecrets(`${real.dataDirectory}/secrets.json`, []);
  superuserUrl = `postgres://postgres:${postgres}@127.0.0.1:${defaultPostgresPort + real.portOffset}/postgres`;
});
afterAll(() => real.remove());

/** With nobody in that database, as in the pause that a restore takes; its service lives, and waits. */
async function alone(database: string, ...statements: string[]): Promise<void> {
  await withClient(superuserUrl, async (superuser) => {
    await superuser.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
    await eventually(async () => {
      const { rowCount } = await superuser.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
        [database],
      );
      return rowCount === 0;
    });
    for (const statement of statements) await superuser.query(statement);
    await superuser.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
  });
}

/** A mail that the restored service does not know any more to have sent: the order was over when it heard of it again. */
const forgotten = /"(received|confirmed)" arrived 1 times instead of 0$/;
const areRepaired = (results: readonly Result[]) =>
  results.every(({ violations }) => violations.every((violation) => forgotten.test(violation)));

// What docs/operations.md tells, with copies on the same server instead of dumps.
test('under load the databases of all but order-api go back to an earlier copy, and the delivery audit repairs them', async () => {
  const { system, dataDirectory } = real;
  const services = ['inventory', 'payment', 'logistics', 'email'];
  const [ledger, over] = [emptyLedger(), new AbortController()];
  const clients = Array.from({ length: 2 }, () => client(system.apiUrls, ledger, over.signal));
  const moreOrders = async () => {
    const before = ledger.accepted.size;
    await eventually(() => ledger.accepted.size >= before + 50);
  };
  const oe = async (...args: string[]) => {
    await promisify(execFile)(process.execPath, [program, ...args], {
      env: { ...process.env, DATA_DIR: dataDirectory },
    });
  };
  try {
    const since = new Date(Date.now() - 60_000).toISOString();
    await moreOrders();
    for (const name of services) await alone(name, `CREATE DATABASE ${name}_copy TEMPLATE ${name}`);
    await moreOrders();
    for (const name of services)
      await alone(name, `DROP DATABASE ${name}`, `ALTER DATABASE ${name}_copy RENAME TO ${name}`);
    await moreOrders();
    for (const name of services) await oe('audit', '--group', name, '--since', since, '--reason', 'restored');
    await moreOrders();
    over.abort();
    await Promise.all(clients);

    const results = await atRest(system.databaseUrls, areRepaired);
    if (!areRepaired(results)) throw new Error(report(results).join('\n'));
    expect(ledger.surprises).toEqual([]);
    expect(await outcomes(system.databaseUrls, ledger)).toMatchObject({ lost: [], broken: [] });
  } finally {
    over.abort();
    await Promise.allSettled(clients);
  }
});
