import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { topics, topology } from '@order-events/contracts';
import { encode, systemRuntime } from '@order-events/messaging';
import { migrate } from '@order-events/store/migrate';
import { eventually, orderBody, testDatabase, withClient, type TestDatabase } from '@order-events/testing';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import type { Client } from 'pg';
import { database } from './database';
import { SlowGateway } from './slow-gateway';

/** The payment service as real processes, on databases of its own and with a gateway that a test controls. */
export class PaymentSystem {
  private readonly children = new Set<ChildProcess>();

  private constructor(
    private readonly own: TestDatabase,
    private readonly events: TestDatabase,
    readonly gateway: SlowGateway,
  ) {}

  static async create(): Promise<PaymentSystem> {
    const [own, events] = [await testDatabase(), await testDatabase()];
    await database.migrate(own.url);
    await migrate({ ownerUrl: events.url, loginRole: 'postgres', migrations: eventsMigrations });
    const system = new PaymentSystem(own, events, await SlowGateway.start());
    await system.withTransport((transport) =>
      transport.declare(topics.map((topic) => ({ topic, groups: topology[topic].consumers }))),
    );
    return system;
  }

  /** Starts another process of the service. */
  run(env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn(
      process.execPath,
      [
        '-C',
        '@order-events/source',
        '-r',
        require.resolve('@order-events/testing/typescript.cjs'),
        join(__dirname, '../src/main.ts'),
      ],
      {
        env: {
          ...process.env,
          NODE_ENV: 'test',
          DATABASE_URL: this.own.url,
          EVENTS_DATABASE_URL: this.events.url,
          GATEWAY_URL: this.gateway.url,
          OPERATOR_PORT: '0',
          LOG_LEVEL: 'silent',
          ...env,
        },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    this.children.add(child);
    return child;
  }

  async kill(child: ChildProcess): Promise<void> {
    this.children.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Publishes that orders were created. */
  async created(...orders: string[]): Promise<void> {
    const messages = orders.map((order) =>
      encode({ type: 'order.created', subject: order, sequence: 1, data: orderBody(order) }, systemRuntime.eventId(), {
        source: '/order-api',
      }),
    );
    const settlements = await this.withTransport((transport) => transport.publish(messages));
    expect(settlements).toEqual(orders.map(() => ({ stored: true })));
  }

  /** Waits for a state; fails if a process ends meanwhile that nobody killed. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    await eventually(async () => {
      for (const { exitCode } of this.children)
        if (exitCode !== null) throw new Error(`a process of the service ended with exit code ${exitCode}`);
      return condition();
    });
  }

  /** Holds a lock of the service's database, or of the events', while `work` goes on. */
  async holding<R>(database: 'own' | 'events', lock: string, work: (client: Client) => Promise<R>): Promise<R> {
    return withClient(this[database].url, async (client) => {
      await client.query('BEGIN');
      await client.query(lock);
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    });
  }

  /** Somebody waits for a lock of that database. */
  async somebodyWaits(database: 'own' | 'events'): Promise<boolean> {
    const waiting = await this.sql(
      database,
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return waiting.length > 0;
  }

  async sql<R extends object>(database: 'own' | 'events', text: string): Promise<R[]> {
    return withClient(this[database].url, async (client) => (await client.query<R>(text)).rows);
  }

  /** The ids of an order's authorisations that are in the outbox, and in the log for everybody to read. */
  async told(order: string): Promise<{ outbox: string[]; log: string[] }> {
    const ids = async (database: 'own' | 'events', table: string) => {
      const text = `SELECT id FROM ${table} WHERE key = '${order}' AND topic = 'payment.authorized'`;
      return (await this.sql<{ id: string }>(database, text)).map(({ id }) => id);
    };
    return { outbox: await ids('own', 'outbox'), log: await ids('events', 'log') };
  }

  async close(): Promise<void> {
    await Promise.all([...this.children].map((child) => this.kill(child)));
    await this.gateway.close();
    await Promise.all([this.own.drop(), this.events.drop()]);
  }

  private async withTransport<R>(work: (transport: PostgresTransport) => Promise<R>): Promise<R> {
    const errors: Error[] = [];
    const onError = (error: Error) => void errors.push(error);
    const { url } = this.events;
    const transport = new PostgresTransport({ url, connections: 1, applicationName: 'test', prefix: '', onError });
    const result = await work(transport).finally(() => transport.close());
    expect(errors).toEqual([]);
    return result;
  }
}
