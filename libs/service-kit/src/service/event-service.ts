import type { Router } from 'express';
import {
  assertEssentials,
  audiences,
  brokerGroup,
  consumedWith,
  requests,
  type Service,
  type Topic,
} from '@order-events/contracts';
import {
  AtLeastOnce,
  Caller,
  DeliveryAudit,
  EffectRunner,
  Pipeline,
  Relay,
  Responder,
  systemRuntime,
  tenTries,
  Worker,
  type EffectHandler,
  type EventHandler,
  type Observer,
  type Publisher,
  type RequestHandler,
  type RetryPolicy,
  type RpcObserver,
  type Tables,
  type Tracer,
  type Transport,
} from '@order-events/messaging';
import { PostgresStore, type DatabaseOptions } from '@order-events/store';
import type { Config } from '../config/settings';
import { consumedFrom } from '../config/transports';
import { logged, type Checks } from '../http/health';
import { listen, type Listening } from '../http/listen';
import { operatorApp } from '../http/operator';
import { replyProblem } from '../http/problem';
import type { Logger } from '../log';
import { Metrics } from '../metrics';
import { openTracer, TRACE_SETTINGS, type OpenTracer } from '../tracing/open-tracer';
import { openTransport, TRANSPORT_SETTINGS, type Part } from '../transports';
import { assertComplete, assertKept } from './assertions';
import { observeAudit } from './audit-observer';
import { checkDurability } from './durability';
import { Housekeeping, RETENTION_SETTINGS, retentionWarning } from './housekeeping';
import { observe } from './observer';
import { observeRpc } from './rpc-observer';

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
  ...TRACE_SETTINGS,
  'LOG_LEVEL',
] as const;
export type ServiceConfig = Config<(typeof SERVICE_SETTINGS)[number]>;

export interface EventServiceOptions<T extends Tables> {
  /** Its consumer group, too. */
  service: Service;
  tables: T;
  config: ServiceConfig;
  log: Logger;
  /** When an event that could not be decided is tried again, on all of its topics; `tenTries` by default. */
  retry?: RetryPolicy;
}

/** Partitions are made seven days ahead, so it does not matter if this is late by days. */
const MAINTENANCE_MS = 3_600_000;
const HTTP_GRACE_MS = 5_000;
const REMOVED =
  'taken out of its consumer group: it was silent for too long, or another process has found it dead. It joins again by itself; ' +
  'what it had in hand comes once more, which the inbox sees';
const NOT_CONSUMING = 'not consuming: the service is starting or stopping';

/** Where the service's own database is, and whom to tell when a connection breaks. */
export type OwnDatabase = Omit<DatabaseOptions, 'connections'>;

interface Closeable {
  close(): Promise<void>;
}

/** One service's machinery: consume, retry, publish and make calls, until it is stopped. */
export class EventService<T extends Tables = Tables> {
  readonly store: PostgresStore;
  readonly transport: Transport;
  readonly metrics: Metrics;
  /** What must answer for the service to do its work. */
  readonly checks: Checks;
  private readonly traces: OpenTracer;
  private readonly parts: readonly Part[];
  private readonly observer: Observer;
  private readonly publisher: Publisher;
  private readonly worker: Worker;
  private readonly database: OwnDatabase;
  private readonly opened: Closeable[] = [];
  private readonly rpcObserver: RpcObserver;
  /** What asks others and answers them. */
  private readonly talking: Closeable[] = [];
  private operator: Listening | undefined;
  private durability: Promise<void> | undefined;
  private consuming = false;
  private cautious = false;

  constructor(private readonly options: EventServiceOptions<T>) {
    const { service, config, log } = options;
    assertEssentials();
    const applicationName = `order-events ${service}`;
    const onError = (error: Error) =>
      log.warn({ err: error }, 'lost a connection to Postgres; it is made again by itself, and work waits until then');
    this.metrics = new Metrics(service);
    this.observer = observe(log, this.metrics);
    this.rpcObserver = observeRpc(log, this.metrics, this.observer);
    this.database = { url: config.DATABASE_URL, applicationName, onError };
    this.store = new PostgresStore({ ...this.database, connections: config.DATABASE_CONNECTIONS });
    const { transport, parts } = openTransport(config, {
      applicationName,
      onError: (error) => this.observer.loopFailed('transport', error),
      onCoded: (transport, before, after) => this.metrics.coded(transport, before, after),
      onRemoved: (group) => log.warn({ group }, REMOVED),
    });
    assertKept(transport, consumedWith('at-least-once', service));
    this.transport = transport;
    this.parts = parts;
    this.traces = openTracer(config, { service, transport: transport.name }, log);
    this.publisher = { source: `/${service}`, maxEventBytes: this.transport.capabilities.maxBytes };
    const audit = new DeliveryAudit({
      service,
      audiences: audiences(service),
      store: this.store.audit,
      transport: this.transport,
      runtime: systemRuntime,
      observer: observeAudit(log, this.metrics, this.observer),
    });
    const { store, observer, tracer } = this;
    this.worker = new Worker({ store, transport, runtime: systemRuntime, observer, audit, tracer });
    this.metrics.watch(this.store, this.parts, service, (error) => this.observer.loopFailed('metrics', error));
    this.checks = logged(
      {
        database: () => this.store.ping(),
        transport: () => this.transport.ping(),
        consuming: () => (this.consuming ? Promise.resolve() : Promise.reject(new Error(NOT_CONSUMING))),
      },
      log,
    );
  }

  get tracer(): Tracer {
    return this.traces.tracer;
  }

  /** Opens one more way to the service's own database, which is closed when nothing can use it any more. */
  open<R extends Closeable>(way: (database: OwnDatabase) => R): R {
    const opened = way(this.database);
    this.opened.push(opened);
    return opened;
  }

  /** Starts to consume the handlers' topics, and to try again what could not be decided. */
  async consume(handlers: readonly EventHandler<T>[]): Promise<void> {
    const { service, tables, config, retry = tenTries } = this.options;
    const { store, tracer } = this;
    assertComplete(service, handlers);
    const byTopic = new Map<Topic, EventHandler<T>>(handlers.map((handler) => [handler.topic, handler]));
    const [again, once] = [consumedWith('at-least-once', service), consumedWith('at-most-once', service)];
    const consumer = {
      ...this.publisher,
      group: service,
      tables,
      handlers: byTopic,
      retry,
      ...(again.length > 0 && { atLeastOnce: new AtLeastOnce(new Set(again)) }),
    };
    await this.worker.consume({
      group: service,
      topics: [...byTopic.keys()].filter((topic) => !once.includes(topic)),
      ...(once[0] && { atMostOnce: { group: brokerGroup(once[0], service), topics: once } }),
      batch: config.BATCH_SIZE,
      waitMs: config.BATCH_WAIT_MS,
      inFlight: config.IN_FLIGHT,
      parallel: config.PARALLEL,
      pipeline: (observer, caution) =>
        new Pipeline({ consumer, store, runtime: systemRuntime, observer, caution, tracer }),
      pauses: { isPaused: () => this.isPaused(), pause: (reason) => this.pause(reason) },
      presence: { name: store.presence.name, watch: (ms) => this.watch(ms), leave: () => store.presence.leave() },
    });
    this.consuming = true;
  }

  /** Starts to answer what other services ask, whether the service is paused or not: an answer decides nothing. */
  async answer(handlers: readonly RequestHandler[]): Promise<void> {
    const responder = new Responder({ ...this.talks, handlers, problemOf: replyProblem });
    this.talking.push(responder);
    await responder.start();
  }

  /** One who asks other services, and listens for their replies from now on. */
  caller(): Caller<typeof requests> {
    const caller = new Caller(this.talks);
    this.talking.push(caller);
    return caller;
  }

  /** Starts to publish the outbox, to make calls to the outside, and to serve the operator. */
  async start(effects: readonly EffectHandler<T>[], routes?: Router): Promise<void> {
    const { service, tables, config, log } = this.options;
    const { store, transport, observer, metrics, tracer } = this;
    const shared = { store, runtime: systemRuntime, observer, tracer };
    const relay = new Relay({ ...shared, transport, batch: config.BATCH_SIZE * 5 });
    const parallel = config.EFFECTS_PARALLEL;
    this.worker.start(
      relay,
      effects.length > 0
        ? new EffectRunner({ ...this.publisher, ...shared, tables, handlers: effects, parallel })
        : undefined,
    );
    const events = consumedFrom(config).has('postgres')
      ? { ...this.database, url: config.EVENTS_DATABASE_URL!, connections: 1 }
      : undefined;
    this.durability = checkDurability(store.database, events, log);
    const warning = retentionWarning(config);
    if (warning !== undefined) log.warn(warning);
    const housekeeping = new Housekeeping({ store, parts: this.parts, retention: config, metrics, log });
    this.every('partitions', MAINTENANCE_MS, (signal) => housekeeping.run(signal));
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
    await Promise.all([this.worker.stop(), ...this.talking.map((talking) => talking.close())]);
    await this.durability;
    await this.operator?.close(HTTP_GRACE_MS);
    await this.transport.close();
    await Promise.all(this.opened.map((opened) => opened.close()));
    await this.store.close();
    await this.traces.close();
  }

  /** Repeats `work` until the service stops. */
  every(loop: string, ms: number, work: (signal: AbortSignal) => Promise<void>): void {
    this.worker.every(loop, ms, work);
  }

  private get talks() {
    const { transport, rpcObserver: observer, tracer } = this;
    const { service } = this.options;
    return { service, registry: requests, transport, runtime: systemRuntime, observer, tracer };
  }

  private async isPaused(): Promise<boolean> {
    const paused = (await this.store.operatorActions.pause(this.options.service)) !== undefined;
    this.metrics.paused.set(paused ? 1 : 0);
    return paused;
  }

  private async watch(ms: number): Promise<readonly string[]> {
    const ended = await this.store.presence.watch(ms);
    const cautious = ended.length > 0;
    if (cautious !== this.cautious) {
      if (cautious) this.options.log.warn('a process of the service has died: events are tried one by one for a while');
      else this.options.log.info('events are taken in batches again');
    }
    this.cautious = cautious;
    return ended;
  }

  private async pause(reason: string): Promise<void> {
    const { service, log } = this.options;
    await this.store.operatorActions.record('pause', service, { actor: service, reason });
    log.error({ reason }, `paused: consumes nothing until npm run oe -- resume ${service}`);
  }
}
