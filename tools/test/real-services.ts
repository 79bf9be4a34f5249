import { pino } from 'pino';
import { declarations, services, type Service } from '@order-events/contracts';
import type { EffectHandler, EventHandler, RetryPolicy, Tables } from '@order-events/messaging';
import { EventService, loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { sharedMigrations, type Queryable } from '@order-events/store';
import { migrate, type MigrateOptions } from '@order-events/store/migrate';
import { freePort, testDatabase, type TestDatabase } from '@order-events/testing';
import { eventsMigrations, PostgresTransport } from '@order-events/transport-postgres';
import * as email from '../../apps/email-service/src/domain';
import { migrations as emailMigrations } from '../../apps/email-service/src/store/migrations';
import * as inventory from '../../apps/inventory-service/src/domain';
import { migrations as inventoryMigrations } from '../../apps/inventory-service/src/store/migrations';
import { seed as stock } from '../../apps/inventory-service/src/store/seed';
import type { Call, Carrier } from '../../apps/logistics-service/src/carrier/carrier';
import * as logistics from '../../apps/logistics-service/src/domain';
import { effects as carrierCalls } from '../../apps/logistics-service/src/handlers/effects';
import { migrations as logisticsMigrations } from '../../apps/logistics-service/src/store/migrations';
import * as orderApi from '../../apps/order-api/src/domain';
import { migrations as orderApiMigrations } from '../../apps/order-api/src/store/migrations';
import { seed as catalogue } from '../../apps/order-api/src/store/seed';
import * as payment from '../../apps/payment-service/src/domain';
import type { Gateway } from '../../apps/payment-service/src/gateway/gateway';
import { effects as gatewayCalls } from '../../apps/payment-service/src/handlers/effects';
import { migrations as paymentMigrations } from '../../apps/payment-service/src/store/migrations';

const TOKEN = 'a token that is long enough';

/** What one service is made of. */
interface Parts {
  tables: Tables;
  handlers: readonly EventHandler[];
  effects?: readonly EffectHandler[];
  migrations: MigrateOptions['migrations'];
  seed?(session: Queryable): Promise<void>;
}

/** A gateway and a carrier that say yes at once, and keep what they did for each order. A key that comes again does nothing more. */
export class Outside implements Gateway, Carrier {
  readonly charged = new Map<string, number>();
  readonly sent = new Map<string, number>();
  private readonly keys = { capture: new Set<string>(), dispatch: new Set<string>() };

  authorize({ order_id }: { order_id: string }) {
    return Promise.resolve({ outcome: 'authorized', authorization_id: `a.${order_id}` } as const);
  }
  capture({ order_id, amount }: { order_id: string; amount: number }, { idempotencyKey }: Call) {
    if (!this.keys.capture.has(idempotencyKey)) this.charged.set(order_id, (this.charged.get(order_id) ?? 0) + amount);
    this.keys.capture.add(idempotencyKey);
    return Promise.resolve({ outcome: 'captured', capture_id: `c.${order_id}` } as const);
  }
  reverse(): never {
    throw new Error('nobody wants money back');
  }
  dispatch({ order_id }: { order_id: string }, { idempotencyKey }: Call) {
    if (!this.keys.dispatch.has(idempotencyKey)) this.sent.set(order_id, (this.sent.get(order_id) ?? 0) + 1);
    this.keys.dispatch.add(idempotencyKey);
    return Promise.resolve({ outcome: 'dispatched', carrier: 'Parcels', tracking_number: `t.${order_id}` } as const);
  }
  recall(): never {
    throw new Error('nobody wants goods back');
  }
}

/** The five services in this process, as they are but for HTTP: their decisions and tables on real databases. */
export class RealServices {
  readonly outside = new Outside();
  readonly parts: Record<Service, Parts> = {
    'order-api': { ...orderApi, migrations: orderApiMigrations, seed: catalogue },
    inventory: { ...inventory, migrations: inventoryMigrations, seed: stock },
    payment: {
      tables: payment.tables,
      handlers: Object.values(payment.orderHandlers('tok_ok')),
      effects: gatewayCalls(this.outside),
      migrations: paymentMigrations,
    },
    logistics: { ...logistics, effects: carrierCalls(this.outside), migrations: logisticsMigrations },
    email: { ...email, migrations: emailMigrations },
  };
  private readonly databases = new Map<Service | 'events', TestDatabase>();
  private readonly running = new Set<EventService>();

  /** Makes all databases. */
  async setUp(): Promise<void> {
    for (const name of ['events', ...services] as const) {
      const database = await testDatabase();
      this.databases.set(name, database);
      const migrations = name === 'events' ? eventsMigrations : [...sharedMigrations, ...this.parts[name].migrations];
      await migrate({ ownerUrl: database.url, loginRole: 'postgres', migrations });
    }
    const { url } = this.databases.get('events')!;
    const setup = new PostgresTransport({
      url,
      connections: 1,
      applicationName: 'setup',
      prefix: '',
      onError: () => {},
    });
    await setup.declare(declarations);
    await setup.close();
  }

  /**
   * Starts a process of the service.
   * @param handlers instead of its own
   */
  async start(service: Service, handlers = this.parts[service].handlers, retry?: RetryPolicy) {
    const { tables, effects = [], seed } = this.parts[service];
    const port = await freePort();
    const databases = {
      DATABASE_URL: this.databases.get(service)!.url,
      EVENTS_DATABASE_URL: this.databases.get('events')!.url,
    };
    const config = loadConfig(SERVICE_SETTINGS, { OPERATOR_PORT: port }, { ...databases, OPERATOR_TOKEN: TOKEN });
    const running = new EventService({ service, tables, config, log: pino({ level: 'silent' }), retry });
    this.running.add(running);
    if (seed) await running.store.database.transact(seed);
    await running.start(effects);
    await running.consume(handlers);
    const stop = async () => {
      this.running.delete(running);
      await running.stop();
    };
    /** Asks an operator route. */
    const ask = async <R>(path: string, body?: object): Promise<R> => {
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
      const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      expect(response.status).toBe(200);
      return (await response.json()) as R;
    };
    const sql = <R extends object>(text: string): Promise<R[]> =>
      running.store.database.query<R & Record<string, unknown>>(text);
    return { store: running.store, ask, sql, stop };
  }

  async remove(): Promise<void> {
    await Promise.all([...this.running].map((service) => service.stop()));
    for (const { drop } of this.databases.values()) await drop();
  }
}
