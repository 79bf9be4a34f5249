import { setMaxListeners } from 'node:events';
import type { Service, Topic } from '@order-events/contracts';
import {
  EffectRunner,
  publishRefused,
  tenTries,
  type EventHandler,
  type LogRecord,
  type Store,
} from '@order-events/messaging';
import type { Broker } from './broker';
import { calling, throwing } from './handlers';
import type { Calls } from './invariants';
import { OrderDesk } from './order-desk';
import { observe } from './observe';
import type { Outside } from './outside';
import type { Parts, Place } from './parts';
import type { Replica, Surroundings } from './replica';
import { SteppedStore, type Commit, type ServiceDatabase } from './store';
import { SimulatedTransport } from './transport';
import { aheadStore, aheadTransport } from './versions';
import type { Consumption, Workspace } from './workspace';

/** What all processes have in common. */
export interface System {
  around: Surroundings;
  workspace: Workspace;
  parts: Parts;
  broker: Broker;
  outside: Outside;
  calls: Calls;
  deadlineS: number;
  committed(commit: Commit): void;
  verified(service: Service, group: string, records: readonly LogRecord[]): void;
  note(who: string, what: string): void;
  report(violation: string): void;
}

const RETRY_POLL_MS = 250;
const REFUSED_POLL_MS = 1_000;
const PAUSE_POLL_MS = 500;
const SWEEP_MS = 2_000;

/** One process of a service at work: its machinery as service-kit puts it together, on simulated surroundings. */
export class SimulatedService {
  /** Of order-api's. */
  readonly desk: OrderDesk | undefined;
  private readonly leaving = new AbortController();
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly consumption: Consumption;

  constructor(
    private readonly system: System,
    private readonly replica: Replica,
    on: ServiceDatabase,
  ) {
    const { workspace, parts, broker } = system;
    const { service, database } = on;
    const place: Place = { service, replica, database };
    const { tables, handlers, answers } = workspace.domains[service];
    const stepped = this.openStore(on);
    const { isAhead } = replica;
    const [plainStore, plainTransport] = [stepped, new SimulatedTransport(broker, replica)];
    const store = parts.store(isAhead ? aheadStore(plainStore) : plainStore, place);
    const transport = parts.transport(isAhead ? aheadTransport(plainTransport) : plainTransport, place);
    const observer = observe(system.note, replica);
    const shared = { store, runtime: replica.runtime, observer };
    // Whatever waits in the process listens to them, which may be much at a time.
    setMaxListeners(0, this.leaving.signal, this.stopping.signal);

    const audited = { service, audiences: parts.audiences(service), store: store.audit, transport };
    const audit = parts.audit({ ...audited, runtime: replica.runtime, observer }, place);
    const faulty = parts.handlers(handlers, place).map((handler) => throwing(handler, system, place));
    const byTopic = new Map<Topic, EventHandler>(faulty.map((handler) => [handler.topic, handler]));
    const publisher = { source: `/${service}`, maxEventBytes: 1_000_000 };
    const consumer = { ...publisher, group: service, tables, handlers: byTopic, retry: tenTries };
    const pipeline = parts.pipeline({ consumer, ...shared }, place);
    const subscribe = () =>
      transport.subscribe({
        ...{ group: service, topics: [...byTopic.keys(), ...audit.topics] },
        ...{ batch: 100, waitMs: 5, inFlight: 1000, parallel: 4 },
        handle: async (batch) => {
          const events = audit.take(batch);
          if (events.length > 0) await pipeline.handle(events, this.leaving.signal);
        },
      });
    const consumption = new workspace.Consumption({ subscribe, isPaused: () => stepped.isPaused() });
    this.consumption = consumption;
    this.every('consumption', PAUSE_POLL_MS, () => consumption.follow());
    this.every('retries', RETRY_POLL_MS, async () => {
      const { signal } = this.leaving;
      while (!consumption.paused && (await pipeline.retryDue(signal)) > 0 && !signal.aborted);
    });

    this.run('relay', parts.relay({ ...shared, transport, batch: 500 }, place).run(this.stopping.signal));
    this.run('audit', audit.run(this.stopping.signal));
    this.every('refused events', REFUSED_POLL_MS, async () => void (await publishRefused({ ...shared, transport })));
    const effects = parts.effects(
      answers.map((answer) => calling(answer, system, replica)),
      place,
    );
    if (effects.length > 0) {
      const runner = new EffectRunner({ ...publisher, tables, handlers: effects, ...shared, parallel: 8 });
      this.run('effects', runner.run(this.stopping.signal));
    }
    if (service === 'order-api') {
      this.desk = this.openDesk(on, store);
      this.every('deadlines', SWEEP_MS, () => this.desk!.sweep());
    }
  }

  /** Ends what has begun, in the order in which service-kit does. */
  async stop(): Promise<void> {
    this.leaving.abort();
    await this.consumption.close();
    this.stopping.abort();
    await Promise.all(this.loops);
  }

  private openStore(on: ServiceDatabase): SteppedStore {
    const { system, replica } = this;
    const store = new SteppedStore({
      connect: () => system.workspace.openStore(on.database, replica.runtime),
      on,
      replica,
      faults: system.around.faults,
      committed: system.committed,
      claimed: (effects) => system.calls.claim(replica, effects),
      released: (idempotencyKey) => system.calls.release(replica, idempotencyKey),
      verified: (group, records) => system.verified(on.service, group, records),
    });
    // As a closed connection would: open transactions are rolled back, leases and claims end.
    replica.onEnd(() => void store.close());
    return store;
  }

  private openDesk({ service, database, now }: ServiceDatabase, store: Store): OrderDesk {
    const { workspace, deadlineS, parts } = this.system;
    const { advanced, orders, domains } = workspace;
    const { runtime } = this.replica;
    const shared = { store, database, domain: domains[service], rules: parts.rules(orders), runtime };
    return new OrderDesk({ ...shared, advanced, deadlineS, clock: now });
  }

  /** A loop ends when it is told to and not before. */
  private run(loop: string, work: Promise<void>): void {
    const ended = (why: string) => {
      if (this.replica.alive && !this.stopping.signal.aborted)
        this.system.report(`the loop "${loop}" of ${this.replica.name} has ended: ${why}`);
    };
    this.loops.push(
      work.then(
        () => ended('without a word'),
        (error: Error) => ended(error.message),
      ),
    );
  }

  private every(loop: string, ms: number, work: () => Promise<void>): void {
    const { system, replica, stopping } = this;
    const repeat = async () => {
      while (!stopping.signal.aborted) {
        await work().catch((error: Error) => system.note(replica.name, `${loop} failed: ${error.message}`));
        await replica.runtime.sleep(ms, stopping.signal);
      }
    };
    this.run(loop, repeat());
  }
}
