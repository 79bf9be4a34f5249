import { setMaxListeners } from 'node:events';
import type { DeliveryAudit } from './audit/delivery-audit';
import { Caution } from './caution';
import { Consumption, type Pauses } from './consumption';
import { Departures } from './departures';
import type { EffectRunner } from './effect-runner';
import type { Pipeline } from './pipeline/pipeline';
import type { Presence } from './ports/presence';
import type { Observer, Runtime } from './ports/runtime';
import { StoreError, type Store } from './ports/store';
import type { Tracer } from './ports/tracer';
import type { Subscribe, Transport } from './ports/transport';
import { backoff } from './retry-policy';
import { subscribeAll } from './subscribe-all';
import { publishRefused, RELAY } from './refused';
import type { Relay } from './relay';
import type { Tables } from './decision';

export interface WorkerOptions {
  store: Store;
  transport: Pick<Transport, 'publish' | 'subscribe' | 'release'>;
  runtime: Runtime;
  observer: Observer;
  audit: Pick<DeliveryAudit, 'topics' | 'take' | 'run'>;
  tracer?: Tracer;
}

export interface ConsumeOptions extends Pick<Subscribe, 'batch' | 'waitMs' | 'inFlight' | 'parallel'> {
  group: string;
  /** What the pipeline handles; the audit's own topics come on top. */
  topics: readonly string[];
  /** What it handles of which nothing may come twice, in a group of its own on the broker: acknowledged first. */
  atMostOnce?: Pick<Subscribe, 'topics'> & { group: string };
  /** Made with an observer that tells the worker, too, how each event ended. */
  pipeline(observer: Observer, caution: Caution): Pick<Pipeline<Tables>, 'handle' | 'retryDue'>;
  pauses: Pauses;
  presence: Presence;
}

const RETRY_POLL_MS = 250;
const REFUSED_POLL_MS = 1_000;
const SCHEDULE_POLL_MS = 500;
const DUE_AT_ONCE = 500;
const PAUSE_POLL_MS = 500;
const RELEASE_POLL_MS = 250;

/**
 * One process of a service at work: it consumes, tries again, publishes, audits and makes calls, until it is stopped.
 * A service runs one on real surroundings and the simulator on its own, so what is put together here is simulated, too.
 */
export class Worker {
  /** No new work: whoever holds events because the database is away gives them back. */
  private readonly leaving = new AbortController();
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private consumption: Consumption | undefined;
  private caution: Caution | undefined;

  constructor(private readonly options: WorkerOptions) {
    // Every batch and every call that is held waits for them.
    setMaxListeners(0, this.leaving.signal, this.stopping.signal);
  }

  /** Starts to consume, and to try again what could not be decided. Rejects when the transport does not subscribe. */
  async consume(options: ConsumeOptions): Promise<void> {
    const { group, topics, atMostOnce, pipeline: make, pauses, presence, ...pace } = options;
    const { transport, observer, audit, runtime } = this.options;
    const { signal } = this.leaving;
    const caution = (this.caution = new Caution(presence));
    const told: Observer = {
      ...observer,
      handled: (arrival, outcome, error) => {
        observer.handled(arrival, outcome, error);
        // One that fails again says nothing new: after a busy hour the last hundred may all be such. Nor does what is nobody's fault.
        const isOld = arrival.again && error !== undefined;
        const isNobodys = error instanceof StoreError && error.kind !== 'rejected';
        const isDecided = arrival.reading.ok && outcome !== 'duplicate' && outcome !== 'expired';
        if (isDecided && !isOld && !isNobodys) consumption.note(arrival.key, error);
      },
    };
    const pipeline = make(told, caution);
    const member = { process: presence.name, ...pace };
    const subscribes: Subscribe[] = [
      {
        ...{ group, topics: [...topics, ...audit.topics], ...member },
        handle: async (batch) => {
          if (consumption.standsStill) throw new Error('paused: whoever holds events gives them back');
          const events = audit.take(batch);
          if (events.length > 0) await pipeline.handle(events, signal);
        },
      },
    ];
    if (atMostOnce)
      subscribes.push({
        ...{ ...atMostOnce, ...member, acknowledgeFirst: true },
        // What is in hand can be given back to nobody, so a pause does not stop it.
        handle: (batch) =>
          pipeline.handle(batch, signal).catch((cause: Error) => {
            const error = new Error(`up to ${batch.length} events are lost: ${cause.message}`, { cause });
            observer.loopFailed('at most once', error);
          }),
      });
    const subscribe = () => subscribeAll(transport, subscribes);
    const consumption = (this.consumption = new Consumption({ ...pauses, subscribe }));
    const departures = new Departures();
    const follow = async () => {
      // Before anything is taken in: how that is done depends on it.
      departures.found(
        await caution.follow().catch((error: unknown) => {
          departures.failed();
          throw error;
        }),
      );
      await consumption.follow();
    };
    await follow().catch((error: unknown) => {
      // A service starts without its database, too: it is asked again in a moment.
      if (!(error instanceof StoreError)) throw error;
      observer.loopFailed('consumption', error);
    });
    this.every('consumption', PAUSE_POLL_MS, follow);
    const groups = atMostOnce ? [group, atMostOnce.group] : [group];
    const release = async (names: readonly string[]) => {
      for (const one of groups) await transport.release?.(one, names);
    };
    let failures = 0;
    const tell = async (stopping: AbortSignal) => {
      try {
        await departures.tell(release);
        failures = 0;
      } catch (error) {
        observer.loopFailed('departures', error as Error);
        await runtime.sleep(backoff(++failures, runtime.random(), 100, 2_000), stopping);
      }
    };
    // Apart from the above, which must not wait for a broker.
    if (transport.release) this.every('departures', RELEASE_POLL_MS, tell);
    this.every('retries', RETRY_POLL_MS, async () => {
      while (!consumption.standsStill && (await pipeline.retryDue(signal)) > 0 && !signal.aborted);
    });
  }

  /** Starts to publish the outbox and what has become due, to audit what was published, and to make calls to the outside if there are any. */
  start(relay: Pick<Relay, 'run'>, effects?: Pick<EffectRunner<Tables>, 'run'>): void {
    const { signal } = this.stopping;
    this.loops.push(relay.run(signal), this.options.audit.run(signal));
    if (effects) this.loops.push(effects.run(signal));
    this.every('schedule', SCHEDULE_POLL_MS, async () => {
      while ((await this.options.store.appendDue(DUE_AT_ONCE)) === DUE_AT_ONCE && !signal.aborted);
    });
    this.every(
      'refused events',
      REFUSED_POLL_MS,
      async () => void (await publishRefused({ ...this.options, group: RELAY })),
    );
  }

  /** Repeats `work`, `ms` after it has ended or failed, until the worker stops; then it is aborted. */
  every(loop: string, ms: number, work: (signal: AbortSignal) => Promise<void>): void {
    const { runtime, observer } = this.options;
    const { signal } = this.stopping;
    const run = async () => {
      while (!signal.aborted) {
        await work(signal).catch((error: unknown) => observer.loopFailed(loop, error as Error));
        await runtime.sleep(ms, signal);
      }
    };
    this.loops.push(run());
  }

  /** Stops fetching, lets what runs end and be acknowledged, and then ends everything else. */
  async stop(): Promise<void> {
    this.leaving.abort();
    await this.consumption?.close();
    this.stopping.abort();
    await Promise.all(this.loops);
    // Without a database nobody can be told: the next process is cautious for a minute, and that is all.
    await this.caution?.leave().catch((error: unknown) => this.options.observer.loopFailed('presence', error as Error));
  }
}
