import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { entry, eventually } from '@order-events/testing';
import { drain, OutboxDatabase } from '../../test/outbox-database';

let outbox: OutboxDatabase;
let owner: OwnerProcess;
beforeEach(async () => {
  outbox = await OutboxDatabase.create();
  owner = new OwnerProcess(outbox.url);
});
afterEach(async () => {
  await owner.kill();
  await outbox.close();
});

/** A process that holds the lease, and does as it is told. */
class OwnerProcess {
  private readonly child;
  private readonly answers;

  constructor(url: string) {
    const typescript = require.resolve('@order-events/testing/typescript.cjs');
    this.child = spawn(
      process.execPath,
      ['-C', '@order-events/source', '-r', typescript, join(__dirname, '../../test/outbox-owner.cjs')],
      { env: { ...process.env, DATABASE_URL: url }, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.answers = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async call(line: string): Promise<{ result?: unknown; error?: string }> {
    this.child.stdin.write(`${line}\n`);
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`the process ended instead of answering to ${line}`);
    return JSON.parse(value) as { result?: unknown; error?: string };
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

const place = () => outbox.sql('SELECT last::text, win::text, position, epoch FROM log_cursor');

test('an owner that was paused past its lease moves nothing when it goes on, and nothing is lost', async () => {
  const store = outbox.store();
  const keys = Array.from({ length: 25 }, (_, i) => `k${i}`);
  await store.transact((tx) => tx.append(keys.map((key) => entry(key))));
  await owner.call('connect');
  expect(await owner.call('lease 1000')).toEqual({ result: true });
  expect(await owner.call('page 10')).toEqual({ result: keys.slice(0, 10) });

  const log = store.outbox();
  owner.signal('SIGSTOP');
  await eventually(() => log.lease(600_000));
  expect((await log.page(5)).map(({ key }) => key)).toEqual(keys.slice(0, 5));
  await log.commit([]);
  const before = await place();
  owner.signal('SIGCONT');
  expect(await owner.call('commit')).toEqual({ error: 'LeaseLostError' });
  expect(await owner.call('lease 1000')).toEqual({ result: false });
  expect(await owner.call('page 10')).toEqual({ result: [] });
  expect(await owner.call('commit')).toEqual({});
  expect(await place()).toEqual(before);
  expect((await drain(log)).map(({ key }) => key)).toEqual(keys.slice(5));
});

test('an owner that is killed loses a long lease at once', async () => {
  const store = outbox.store();
  await store.transact((tx) => tx.append([entry('a'), entry('b')]));
  await owner.call('connect');
  expect(await owner.call('lease 600000')).toEqual({ result: true });
  expect(await owner.call('page 1')).toEqual({ result: ['a'] });
  expect(await owner.call('commit')).toEqual({});
  expect(await owner.call('page 1')).toEqual({ result: ['b'] });

  const log = store.outbox();
  expect(await log.lease(600_000)).toBe(false);
  await owner.kill();
  const lease = await outbox.sql(`SELECT until > clock_timestamp() + interval '5 min' AS lasts FROM log_cursor`);
  expect(lease).toEqual([{ lasts: true }]);
  await eventually(() => log.lease(600_000));
  expect((await drain(log)).map(({ key }) => key)).toEqual(['b']);
});
