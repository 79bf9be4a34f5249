import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { brokerGroups, type Service } from '@order-events/contracts';
import { within, type Transport } from '@order-events/messaging';
import type { PostgresStore } from '@order-events/store';

/** A broker that is away may take a minute to be given up; whoever looks waits for the other figures, too. */
const BACKLOG_MS = 2_000;

/** What waits for the service, if the broker says so soon. */
export async function backlogOf(transport: Pick<Transport, 'backlog'>, service: Service): Promise<number> {
  const backlogs = Promise.all(brokerGroups(service).map((group) => transport.backlog(group)));
  return (await within('the broker about the backlog', BACKLOG_MS, backlogs)).reduce((sum, one) => sum + one, 0);
}

interface Figure {
  labels?: Record<string, string>;
  /** Resolves with undefined for what is not known, after somebody else has said why. */
  read(): Promise<number | undefined>;
}

/** Whoever asks while an answer is awaited gets that one, too. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let awaited: Promise<T> | undefined;
  return () =>
    (awaited ??= ask().finally(() => {
      awaited = undefined;
    }));
}

/** The figures of one service, for `/metrics`. */
export class Metrics {
  readonly registry = new Registry();
  readonly published = this.counter('order_events_published_total', 'Events that the broker has proved to hold.');
  readonly publishFailures = this.counter(
    'order_events_publish_failures_total',
    'Events that a publish did not settle.',
  );
  readonly handled = this.counter('order_events_handled_total', 'Events taken into the inbox.', 'topic', 'outcome');
  readonly held = this.counter('order_events_held_total', 'Events held because the database did not answer.');
  readonly audited = this.counter(
    'order_events_audited_total',
    'Published events that the delivery audit has found verified, missing, or has resent.',
    'group',
    'outcome',
  );
  readonly bridged = this.counter(
    'order_events_bridged_total',
    'Bare orders from (in) and to (out) programs of other teams.',
    'way',
    'outcome',
  );
  readonly loopFailures = this.counter('order_events_loop_failures_total', 'Failures of background loops.', 'loop');
  private readonly codedBytes = this.counter(
    'order_events_coded_bytes_total',
    'Bytes of bodies, where CODEC or COMPRESSION asks for another form: before, and after. Nothing of what Kafka packs in batches.',
    'transport',
    'side',
  );
  readonly paused = new Gauge({
    name: 'order_events_paused',
    help: '1 while the group consumes nothing, because an operator wants it or most orders failed.',
    registers: [this.registry],
  });
  readonly outsideAway = new Gauge({
    name: 'order_events_outside_away',
    help: '1 while calls to the outside are made one a second, because none was answered.',
    registers: [this.registry],
  });
  readonly effects = new Histogram({
    name: 'order_events_effect_seconds',
    help: 'Calls to the outside, with the recording of their answers.',
    labelNames: ['kind', 'outcome'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.registry],
  });

  /** Named as OpenTelemetry names them. */
  readonly rpcClient = this.rpc(
    'client',
    'Requests to other services, until the reply or the reason why there is none.',
  );
  readonly rpcServer = this.rpc('server', 'Requests of other services, until they were answered.');
  readonly rpcDropped = this.counter(
    'order_events_rpc_dropped_total',
    'Requests that were not answered, and replies that came too late or were lost.',
    'reason',
  );

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry });
  }

  /** Figures that are asked for when somebody looks. One that cannot be had now is left out. */
  watch(
    store: Pick<PostgresStore, 'outboxStatus' | 'operatorReads'>,
    transports: readonly Pick<Transport, 'name' | 'backlog'>[],
    group: Service,
    onError: (error: Error) => void,
  ): void {
    const oldest = { read: async () => (await store.outboxStatus()).oldestMs / 1000 };
    this.gauge('order_events_outbox_oldest_seconds', 'Age of the oldest event that is not published.', onError, [
      oldest,
    ]);
    const unfinished = shared(() => store.operatorReads.unfinished());
    this.gauge('order_events_dead_letters', 'Events that are not tried again by themselves.', onError, [
      { read: async () => (await unfinished()).dead },
    ]);
    this.gauge('order_events_retrying', 'Events whose handling has failed and is tried again.', onError, [
      { read: async () => (await unfinished()).retrying },
    ]);
    this.gauge('order_events_effects_open', 'Calls to the outside without a definite answer yet.', onError, [
      { read: async () => (await unfinished()).effects },
    ]);
    const backlogs = transports.map((transport) => ({
      labels: { transport: transport.name },
      read: shared(() =>
        backlogOf(transport, group).catch((error: Error) => {
          throw new Error(`${transport.name}: ${error.message}`, { cause: error });
        }),
      ),
    }));
    this.gauge('order_events_backlog', 'Events that wait for this service, by transport.', onError, backlogs);
    const sum = async () => {
      const parts = await Promise.allSettled(backlogs.map(({ read }) => read()));
      const known = parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
      return known.length === parts.length ? known.reduce((total, part) => total + part, 0) : undefined;
    };
    // What scales by one number must not take that of one transport for the whole.
    this.gauge('order_events_waiting', 'Events that wait for this service, on all transports.', onError, [
      { read: sum },
    ]);
  }

  /** Bodies of so many bytes were published as so many. */
  coded(transport: string, before: number, after: number): void {
    this.codedBytes.inc({ transport, side: 'before' }, before);
    this.codedBytes.inc({ transport, side: 'after' }, after);
  }

  private rpc(side: 'client' | 'server', help: string) {
    return new Histogram({
      name: `rpc_${side}_call_duration_seconds`,
      help,
      labelNames: ['rpc_system_name', 'rpc_method', 'error_type'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
      registers: [this.registry],
    });
  }

  private counter<L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private gauge(name: string, help: string, onError: (error: Error) => void, figures: readonly Figure[]): void {
    new Gauge({
      name,
      help,
      labelNames: [...new Set(figures.flatMap(({ labels = {} }) => Object.keys(labels)))],
      registers: [this.registry],
      async collect() {
        const show = async ({ labels = {}, read }: Figure) => {
          // Not `reset`, after which it would be told as 0.
          const unknown = () => this.remove(labels);
          try {
            const value = await read();
            if (value === undefined) unknown();
            else this.set(labels, value);
          } catch (error) {
            unknown();
            onError(error as Error);
          }
        };
        await Promise.all(figures.map(show));
      },
    });
  }
}
