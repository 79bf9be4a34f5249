import { setMaxListeners } from 'node:events';
import type { Router } from 'express';
import { audiences, consumedBy, type Service, type Topic } from '@order-events/contracts';
import {
  DeliveryAudit,
  EffectRunner,
  Pipeline,
  publishRefused,
  Relay,
  StoreError,
  systemRuntime,
  tenTries,
  type EffectHandler,
  type EventHandler,
  type Observer,
  type Publisher,
  type Tables,
} from '@order-events/messaging';
import { Database, PostgresStore, type DatabaseOptions } from '@order-events/store';
import type { Config } from '../config/settings';
import { logged, type Checks } from '../http/health';
import { listen, type Listening } from '../http/listen';
import { operatorApp } from '../http/operator';
import type { Logger } from '../log';
import { Metrics } from '../metrics';
import { openTransport, TRANSPORT_SETTINGS, type OpenTransport } from '../transports';
import { observeAudit } from './audit-observer';
import { Consumption } from './consumption';
import { warnOfDurability } from './durability';
import { Housekeeping, RETENTION_SETTINGS, retentionWarning } from './housekeeping';
import { observe } from './observer';

/** The settings that every service with events reads. */
export const SERVICE_SETTINGS = [
  'NODE_ENV',
  'HOST',
  'OPERATOR_PORT',
  'OPERATOR_TOKEN',
  'DATABASE_URL',
  'DATABASE_CONNECTIONS',
  ...TRANSPORT_SETTINGS,
  'BATCH_SIZE',
  'BATCH_WAIT_MS',
  'IN_FLIGHT',
  'PARALLEL',
  'EFFECTS_PARALLEL',
  ...RETENTION_SETTINGS,
  'LOG_LEVEL',
] as const;
export type ServiceConfig = Config<(typeof SERVICE_SETTINGS)[number]>;

export interface EventServiceOptions<T extends Tables> {
  /** Its consumer group, too. */
  service: Service;
  tables: T;
  config: ServiceConfig;
  log: Logger;
}

/** Partitions are made seven days ahead, so it does not matter if this is late by days. */
const MAINTENANCE_MS = 3_600_000;
const RETRY_POLL_MS = 250;
const SCHEDULE_POLL_MS = 500;
const DUE_AT_ONCE = 500;
const REFUSED_POLL_MS = 1_000;
const PAUSE_POLL_MS = 500;
const HTTP_GRACE_MS = 5_000;
const NOT_CONSUMING = 'not consuming: the service is starting or stopping';

/** Where the service's own database is, and whom to tell when a connection breaks. */
export type OwnDatabase = Omit<DatabaseOptions, 'connections'>;

interface Closeable {
  close(): Promise<void>;
}

/** One service's machinery: consume, retry, publish and make calls, until it is stopped. */
export class EventService<T extends Tables = Tables> {
  readonly store: PostgresStore;
  readonly transport: OpenTransport;
  readonly metrics: Metrics;
  /** What must answer for the service to do its work. */
  readonly checks: Checks;
  private readonly observer: Observer;
  private readonly publisher: Publisher;
  private readonly audit: DeliveryAudit;
  /** No new work: whoever holds events because the database is away gives them back. */
  private readonly leaving = new AbortController();
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly database: OwnDatabase;
  private readonly opened: Closeable[] = [];
  private consumption: Consumption | undefined;
  private operator: Listening | undefined;
  private consuming = false;

  constructor(private readonly options: EventServiceOptions<T>) {
    const { service, config, log } = options;
    // Every batch and every call that is held waits for them.
    setMaxListeners(0, this.leaving.signal, this.stopping.signal);
    const applicationName = `order-events ${service}`;
    const onError = (error: Error) =>
      log.warn({ err: error }, 'lost a connection to Postgres; it is made again by itself, and work waits until then');
    this.metrics = new Metrics(service);
    this.observer = observe(log, this.metrics);
    this.database = { url: config.DATABASE_URL, applicationName, onError };
    this.store = new PostgresStore({ ...this.database, connections: config.DATABASE_CONNECTIONS });
    this.transport = openTransport(config, {
      applicationName,
      onError: (error) => this.observer.loopFailed('transport', error),
    });
    this.publisher = { source: `/${service}`, maxEventBytes: this.transport.capabilities.maxBytes };
    this.audit = new DeliveryAudit({
      service,
      audiences: audiences(service),
      store: this.store.audit,
      transport: this.transport,
      runtime: systemRuntime,
      observer: observeAudit(log, this.metrics, this.observer),
    });
    this.metrics.watch(this.store, this.transport, service, (error) => this.observer.loopFailed('metrics', error));
    this.checks = logged(
      {
        database: () => this.store.ping(),
        transport: () => this.transport.ping(),
        consuming: () => (this.consuming ? Promise.resolve() : Promise.reject(new Error(NOT_CONSUMING))),
      },
      log,
    );
  }

  /** Opens one more way to the service's own database, which is closed when nothing can use it any more. */
  open<R extends Closeable>(way: (database: OwnDatabase) => R): R {
    const opened = way(this.database);
    this.opened.push(opened);
    return opened;
  }

  /** Starts to consume the handlers' topics, and to try again what could not be decided. */
  async consume(handlers: readonly EventHandler<T>[]): Promise<void> {
    const { service, tables, config } = this.options;
    const { store, observer } = this;
    assertComplete(service, handlers);
    const byTopic = new Map<Topic, EventHandler<T>>(handlers.map((handler) => [handler.topic, handler]));
    const consumer = { ...this.publisher, group: service, tables, handlers: byTopic, retry: tenTries };
    const handled: Observer['handled'] = (arrival, outcome, error) => {
      observer.handled(arrival, outcome, error);
      if (arrival.reading.ok && outcome !== 'duplicate' && outcome !== 'expired') consumption.note(arrival.key, error);
    };
    const pipeline = new Pipeline({ consumer, store, runtime: systemRuntime, observer: { ...observer, handled } });
    const { signal } = this.leaving;
    const consumption = (this.consumption = new Consumption({
      subscribe: () =>
        this.transport.subscribe({
          group: service,
          topics: [...byTopic.keys(), ...this.audit.topics],
          batch: config.BATCH_SIZE,
          waitMs: config.BATCH_WAIT_MS,
          inFlight: config.IN_FLIGHT,
          parallel: config.PARALLEL,
          handle: async (batch) => {
            if (consumption.standsStill) throw new Error('paused: whoever holds events gives them back');
            const events = this.audit.take(batch);
            if (events.length > 0) await pipeline.handle(events, signal);
          },
        }),
      isPaused: () => this.isPaused(),
      pause: (reason) => this.pause(reason),
    }));
    await consumption.follow().catch((error: unknown) => {
      // A service starts without its database, too: it is asked again in a moment.
      if (!(error instanceof StoreError)) throw error;
      observer.loopFailed('consumption', error);
    });
    this.consuming = true;
    this.every('consumption', PAUSE_POLL_MS, () => consumption.follow());
    this.every('retries', RETRY_POLL_MS, async () => {
      while (!consumption.standsStill && (await pipeline.retryDue(signal)) > 0 && !signal.aborted);
    });
  }

  /** Starts to publish the outbox, to make calls to the outside, and to serve the operator. */
  async start(effects: readonly EffectHandler<T>[], routes?: Router): Promise<void> {
    const { service, tables, config, log } = this.options;
    const { store, transport, observer, metrics } = this;
    const { signal } = this.stopping;
    const relay = new Relay({ store, transport, runtime: systemRuntime, observer, batch: config.BATCH_SIZE * 5 });
    this.loops.push(relay.run(signal), this.audit.run(signal));
    if (effects.length > 0) {
      const parallel = config.EFFECTS_PARALLEL;
      const shared = { ...this.publisher, tables, store, runtime: systemRuntime, observer };
      this.loops.push(new EffectRunner({ ...shared, handlers: effects, parallel }).run(signal));
    }
    this.loops.push(this.checkDurability());
    this.every('schedule', SCHEDULE_POLL_MS, async () => {
      while ((await store.appendDue(DUE_AT_ONCE)) === DUE_AT_ONCE && !signal.aborted);
    });
    this.every('refused events', REFUSED_POLL_MS, async () => {
      await publishRefused({ store, transport, runtime: systemRuntime, observer });
    });
    const warning = retentionWarning(config, tenTries);
    if (warning !== undefined) log.warn(warning);
    const housekeeping = new Housekeeping({ store, transport, retention: config, metrics, log });
    this.every('partitions', MAINTENANCE_MS, () => housekeeping.run(signal));
    const { checks } = this;
    const token = config.OPERATOR_TOKEN;
    const app = operatorApp({ service, token, store, transport, metrics, log, checks, routes });
    this.operator = await listen(app, config.HOST, config.OPERATOR_PORT, 'OPERATOR_PORT');
  }

  /** Ready no more, so that requests go elsewhere; everything else goes on. */
  leave(): void {
    this.consuming = false;
  }

  /** Stops fetching, lets what runs end and be acknowledged, then closes. Ready no more from the first moment. */
  async stop(): Promise<void> {
    this.leave();
    this.leaving.abort();
    await this.consumption?.close();
    this.stopping.abort();
    await Promise.all(this.loops);
    await this.operator?.close(HTTP_GRACE_MS);
    await this.transport.close();
    await Promise.all(this.opened.map((opened) => opened.close()));
    await this.store.close();
  }

  /** Repeats `work` until the service stops. */
  every(loop: string, ms: number, work: () => Promise<void>): void {
    const { signal } = this.stopping;
    const run = async () => {
      while (!signal.aborted) {
        await work().catch((error: unknown) => this.observer.loopFailed(loop, error as Error));
        await systemRuntime.sleep(ms, signal);
      }
    };
    this.loops.push(run());
  }

  private async isPaused(): Promise<boolean> {
    const paused = (await this.store.operatorActions.pause(this.options.service)) !== undefined;
    this.metrics.paused.set(paused ? 1 : 0);
    return paused;
  }

  private async pause(reason: string): Promise<void> {
    const { service, log } = this.options;
    await this.store.operatorActions.record('pause', service, { actor: service, reason });
    log.error({ reason }, `paused: consumes nothing until npm run oe -- resume ${service}`);
  }

  /** An order that was answered for stands in the own database, and the events that it still needs in that of the events. */
  private async checkDurability(): Promise<void> {
    const { config, log } = this.options;
    if (config.TRANSPORT !== 'postgres') return warnOfDurability([this.store.database], log);
    const events = new Database({ ...this.database, url: config.EVENTS_DATABASE_URL!, connections: 1 });
    await warnOfDurability([this.store.database, events], log);
    await events.close();
  }
}

/** A topic that nobody handles would be read past, and one too many would wait for events that never come. */
function assertComplete(service: Service, handlers: readonly { topic: Topic }[]): void {
  const wanted = new Set(consumedBy(service));
  const handled = new Set(handlers.map(({ topic }) => topic));
  const missing = [...wanted].filter((topic) => !handled.has(topic));
  const surplus = [...handled].filter((topic) => !wanted.has(topic));
  if (missing.length + surplus.length === 0) return;
  throw new Error(
    `${service} must handle exactly the topics that topology.ts gives it, or events would be skipped or waited for in vain; ` +
      `handlers to add: ${missing.join(', ') || 'none'}; to remove: ${surplus.join(', ') || 'none'}`,
  );
}
