import type { Service, Topic } from '@order-events/contracts';
import { EffectRunner, tenTries, Worker, type EventHandler, type LogRecord, type Store } from '@order-events/messaging';
import { MemoryStore } from '@order-events/store';
import type { Broker } from './broker';
import { but } from './but';
import { calling, killing, throwing } from './handlers';
import type { Calls } from './invariants';
import { OrderDesk } from './order-desk';
import { observe } from './observe';
import type { Outside } from './outside';
import type { Parts, Place } from './parts';
import type { Replica, Surroundings } from './replica';
import { SteppedStore, type Commit, type ServiceDatabase } from './store';
import { SimulatedTransport } from './transport';
import { aheadStore, aheadTransport } from './versions';
import type { Workspace } from './workspace';

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
  /** Ends a process as kill -9 does, before it has done something. */
  kill(replica: Replica, before: string): void;
  /** Another one had died shortly before this one was started. */
  isWarned(replica: Replica): boolean;
  note(who: string, what: string): void;
  report(violation: string): void;
}

const SWEEP_MS = 2_000;

/** One process of a service at work: its machinery as service-kit puts it together, on simulated surroundings. */
export class SimulatedService {
  /** Of order-api's. */
  readonly desk: OrderDesk | undefined;
  private readonly worker: Worker;

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
    const audited = { service, audiences: parts.audiences(service), store: store.audit, transport };
    const audit = parts.audit({ ...audited, runtime: replica.runtime, observer }, place);
    const faulty = parts
      .handlers(handlers, place)
      .map((handler) => throwing(killing(handler, system, place), system, place));
    this.worker = new Worker({ ...shared, transport, audit: this.watched('audit', audit) });

    const byTopic = new Map<Topic, EventHandler>(faulty.map((handler) => [handler.topic, handler]));
    const publisher = { source: `/${service}`, maxEventBytes: 1_000_000 };
    const consumer = { ...publisher, group: service, tables, handlers: byTopic, retry: tenTries };
    const consuming = this.worker.consume({
      ...{ group: service, topics: [...byTopic.keys()], batch: 100, waitMs: 5, inFlight: 1000, parallel: 4 },
      pipeline: (observer, caution) => parts.pipeline({ consumer, ...shared, observer, caution }, place),
      pauses: {
        isPaused: () => stepped.isPaused(),
        pause: (reason) => Promise.resolve(system.report(`${replica.name} pauses its group: ${reason}`)),
      },
      presence: stepped.presence,
    });
    consuming.catch((error: Error) => system.report(`${replica.name} does not consume: ${error.message}`));

    const relay = parts.relay({ ...shared, transport, batch: 500 }, place);
    const effects = parts.effects(
      answers.map((answer) => calling(answer, system, replica)),
      place,
    );
    const runner = new EffectRunner({ ...publisher, tables, handlers: effects, ...shared, parallel: 8 });
    this.worker.start(this.watched('relay', relay), effects.length > 0 ? this.watched('effects', runner) : undefined);
    if (service === 'order-api') {
      this.desk = this.openDesk(on, store);
      this.worker.every('deadlines', SWEEP_MS, () => this.desk!.sweep());
    }
  }

  /** Ends what has begun. */
  stop(): Promise<void> {
    return this.worker.stop();
  }

  private openStore(on: ServiceDatabase): SteppedStore {
    const { system, replica } = this;
    const store = new SteppedStore({
      connect: () => new MemoryStore(on.database, replica.runtime),
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
  private watched<P extends Loop>(loop: string, part: P): P {
    const { system, replica } = this;
    const run = async (signal: AbortSignal) => {
      const why = await part.run(signal).then(
        () => 'without a word',
        (error: Error) => error.message,
      );
      if (replica.alive && !signal.aborted) system.report(`the loop "${loop}" of ${replica.name} has ended: ${why}`);
    };
    return but<Loop>(part, { run }) as P;
  }
}

interface Loop {
  run(signal: AbortSignal): Promise<void>;
}
