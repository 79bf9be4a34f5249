import {
  encode,
  noTracer,
  Pipeline,
  RequestError,
  systemRuntime,
  tenTries,
  withAttribute,
  type EventHandler,
  type NewEvent,
  type Observer,
  type Tracer,
} from '@order-events/messaging';
import type { Topic } from '@order-events/contracts';
import { createLogger, healthRoutes, listen, notFound, problemHandler } from '@order-events/service-kit';
import { EntityStore } from '@order-events/service-kit/entities';
import { PostgresStore, sharedMigrations } from '@order-events/store';
import { migrate } from '@order-events/store/migrate';
import { eventually, testDatabase } from '@order-events/testing';
import express from 'express';
import { handlers, tables, type OrderStatus, type OrderTables } from '../src/domain';
import { Door, type DoorOptions } from '../src/door/door';
import { OutboxAge } from '../src/door/outbox-age';
import { publicApp, type PublicAppOptions } from '../src/http/app';
import { operatorRoutes } from '../src/http/operator';
import { entities as schemas } from '../src/store/entities';
import { migrations } from '../src/store/migrations';
import { seed } from '../src/store/seed';

export const log = createLogger('test', 'silent');

/** The door to the outside of one process, with its own connections; nothing publishes its outbox. */
export class OrderApi {
  readonly errors: Error[] = [];
  readonly store: PostgresStore;
  private readonly entities: EntityStore;
  readonly outboxAge: OutboxAge;
  /** What stands in for inventory. */
  availabilityOf: PublicAppOptions['availabilityOf'] = () =>
    Promise.reject(new RequestError('no_responder', 'nobody stands in for inventory'));
  tracer: Tracer = noTracer;
  private readonly closers: (() => Promise<void>)[] = [];
  private publicUrl = '';
  private operatorUrl = '';

  private constructor(readonly databaseUrl: string) {
    const onError = (error: Error) => void this.errors.push(error);
    this.store = new PostgresStore({ url: databaseUrl, connections: 5, applicationName: 'test', onError });
    this.entities = new EntityStore({ url: databaseUrl, applicationName: 'test', onError, entities: schemas });
    this.outboxAge = new OutboxAge(this.store);
  }

  /** On a new database, or on one that is there already. */
  static async start(databaseUrl?: string): Promise<OrderApi> {
    const own = databaseUrl === undefined ? await testDatabase() : undefined;
    const api = new OrderApi(databaseUrl ?? own!.url);
    if (own) {
      await prepare(own.url);
      api.closers.push(own.drop);
    }
    const { store, entities, outboxAge } = api;
    const health = healthRoutes('order-api', { database: () => store.ping() });
    const availabilityOf: PublicAppOptions['availabilityOf'] = (...asked) => api.availabilityOf(...asked);
    const tracer: Tracer = { start: (...started) => api.tracer.start(...started) };
    const app = publicApp({
      availabilityOf,
      store,
      entities,
      door: api.door(),
      outboxAge,
      health,
      log,
      tracer,
    });
    const operator = express().use(
      express.json(),
      operatorRoutes({ store, entities, tracer }),
      notFound,
      problemHandler(log),
    );
    const servers = [await listen(app, '127.0.0.1', 0, 'PORT'), await listen(operator, '127.0.0.1', 0, 'PORT')];
    [api.publicUrl, api.operatorUrl] = servers.map(({ port }) => `http://127.0.0.1:${port}`) as [string, string];
    api.closers.unshift(
      ...servers.map((server) => () => server.close(0)),
      () => entities.close(),
      () => store.close(),
    );
    return api;
  }

  /** Another door to the same database. */
  door(options: Partial<DoorOptions> = {}): Door {
    return new Door({ store: this.store, maxEventBytes: 1_000_000, ...options });
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.publicUrl + path, init);
  }

  operator(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.operatorUrl + path, init);
  }

  post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch('/orders', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** Places an order that is sure to be taken, and returns its id. */
  async placed(body: object = order): Promise<string> {
    const response = await this.post(body);
    expect(response.status).toBe(201);
    return (await json(response)).order_id;
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- an assertion is what is made of it
  async order(id: string): Promise<any> {
    return json(await this.fetch(`/orders/${id}`));
  }

  cancel(id: string): Promise<Response> {
    return this.fetch(`/orders/${id}/cancel`, { method: 'POST' });
  }

  sql<R extends Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.store.database.query<R>(text, values);
  }

  async count(table: string): Promise<number> {
    const [row] = await this.sql<{ count: number }>(`SELECT count(*) FROM ${table}`);
    return row!.count;
  }

  /** The events of an order so far, oldest first. */
  async events(id: string): Promise<{ topic: string; headers: Record<string, string>; data: unknown }[]> {
    const rows = await this.sql<{ topic: string; headers: Record<string, string>; body: Buffer }>(
      'SELECT topic, headers, body FROM outbox WHERE key = $1 ORDER BY position',
      [id],
    );
    return rows.map(({ topic, headers, body }) => ({ topic, headers, data: JSON.parse(body.toString()) }));
  }

  /** Takes answers of the other services in, as they come from the broker. Resolves when they are in the inbox. */
  async receive(...events: NewEvent[]): Promise<void> {
    const byTopic = new Map<Topic, EventHandler<OrderTables>>(handlers.map((handler) => [handler.topic, handler]));
    const consumer = {
      group: 'order-api',
      source: '/order-api',
      maxEventBytes: 1_000_000,
      tables,
      handlers: byTopic,
      retry: tenTries,
    };
    const outcomes: string[] = [];
    const observer = { handled: (_, outcome) => outcomes.push(outcome) } as Partial<Observer> as Observer;
    const pipeline = new Pipeline({ consumer, store: this.store, runtime: systemRuntime, observer });
    const messages = events.map((event) => encode(event, systemRuntime.eventId(), { source: '/test' }));
    await pipeline.handle(messages.map((message) => withAttribute(message, 'time', '2026-01-01T00:00:00Z')));
    expect(outcomes).toEqual(events.map(() => 'applied'));
  }

  /** Brings a new order into a status, by the answers that lead there. */
  async inStatus(status: OrderStatus): Promise<string> {
    const order_id = await this.placed();
    const about = { subject: order_id, sequence: 1 };
    const money = { order_id, amount: 2000, currency: 'EUR' };
    const shipment = { order_id, carrier: 'Parcels', tracking_number: 't1' };
    const steps: Record<OrderStatus, NewEvent[]> = {
      pending: [],
      confirmed: [
        { type: 'inventory.reserved', ...about, data: { order_id } },
        { type: 'payment.authorized', ...about, data: { ...money, authorization_id: 'a1' } },
      ],
      paid: [{ type: 'payment.captured', ...about, data: { ...money, capture_id: 'c1' } }],
      completed: [{ type: 'shipment.dispatched', ...about, data: shipment }],
      cancelled: [{ type: 'inventory.rejected', ...about, data: { order_id, reason: 'out_of_stock', missing: [] } }],
    };
    const path: OrderStatus[] = status === 'cancelled' ? ['cancelled'] : ['confirmed', 'paid', 'completed'];
    for (const next of path.slice(0, path.indexOf(status) + 1)) await this.receive(...steps[next]);
    expect((await this.order(order_id)).status).toBe(status);
    return order_id;
  }

  /** Resolves when so many of the database's sessions wait for a lock. */
  async waiting(sessions: number): Promise<void> {
    const text = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await eventually(async () => (await this.sql(text)).length === sessions);
  }

  /** Does as the relay does when it has published everything. */
  async publishAll(): Promise<void> {
    const reader = this.store.outbox();
    expect(await reader.lease(60_000)).toBe(true);
    for (;;) {
      const page = await reader.page(1_000);
      await reader.commit([]);
      if (page.length === 0 && (await this.store.outboxStatus()).oldestMs === 0) break;
    }
    await reader.release();
  }

  async close(): Promise<void> {
    for (const close of this.closers) await close();
  }
}

/** Makes the tables and the catalogue. */
export async function prepare(url: string): Promise<void> {
  const role = new URL(url).username;
  await migrate({ ownerUrl: url, loginRole: role, migrations: [...sharedMigrations, ...migrations] });
  const store = new PostgresStore({ url, connections: 1, applicationName: 'prepare', onError: () => undefined });
  await store.database.transact(seed).finally(() => store.close());
}

export const order = { user_id: 'u1', items: [{ product_id: 'prod1', quantity: 2 }] };

/** The body of a response, whose shape the test asserts. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- an assertion is what is made of it
export async function json(response: Response): Promise<any> {
  return response.json();
}

/** Expects RFC 9457 problem details with this status, and returns them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- an assertion is what is made of it
export async function problem(response: Response, status: number): Promise<any> {
  const text = await response.text();
  expect({ status: response.status, text }).toEqual({ status, text: expect.any(String) });
  expect(response.headers.get('content-type')).toMatch('application/problem+json');
  const body = JSON.parse(text);
  expect(body).toMatchObject({
    status,
    type: expect.stringMatching(/^urn:order-events:problem:/),
    title: expect.any(String),
  });
  return body;
}
