import { services, type Service } from '@order-events/contracts';
import type { Message } from '@order-events/messaging';
import { MemoryDatabase, MemoryStore } from '@order-events/store';
import { Backup } from './backup';
import { Broker } from './broker';
import { Customers } from './customers';
import { Faults } from './faults';
import { HOUR_MS, MINUTES_MS, planIncidents, RESTORE_MS } from './incidents';
import { Calls, invariantsOf, type Invariant } from './invariants';
import { Operator } from './operator';
import { Outside } from './outside';
import { shipped, type Parts } from './parts';
import { Processes } from './processes';
import { lossless, profiles, type Profile } from './profiles';
import { Random } from './random';
import { EPOCH_MS, Replica, type Surroundings } from './replica';
import { unrest } from './rest';
import { scenariosOf, stocked, wanted, wantRefunds, type Scenario } from './scenario';
import { quiet, Scheduler, type Task } from './scheduler';
import type { System } from './service';
import type { Commit, ServiceDatabase } from './store';
import { Trace } from './trace';
import type { Workspace } from './workspace';

export interface SimulationOptions {
  seed: number;
  workspace: Workspace;
  /** What is not as it is shipped. */
  parts?: Partial<Parts>;
  /** By seed when there is none. */
  profile?: Profile;
  /** Gets the trace, line by line. */
  print?(line: string): void;
}

export interface Result {
  seed: number;
  profile: string;
  /** What does not hold, in words; undefined when everything does. */
  violation: string | undefined;
  /** The same for the same seed. */
  hash: string;
  steps: number;
  virtualMs: number;
  orders: number;
  repeatedMails: number;
}

/** For how long things go wrong, and how long the system may take from then on to come to rest, virtual milliseconds. */
const UNHEALED_MS = 45_000;
const REST_MS = 30 * 60_000;
const LOOK_MS = 500;
const CALM_AFTER_MS = 1_000;

/** One run of the whole system, from the first order to the rest after the last fault. */
export class Simulation {
  private readonly random: Random;
  private readonly scheduler: Scheduler<Replica>;
  private readonly faults: Faults;
  private readonly around: Surroundings;
  private readonly trace: Trace;
  private readonly broker: Broker;
  private readonly scenarios: Map<string, Scenario>;
  private readonly customers: Customers;
  private readonly calls: Calls;
  private readonly invariants: Invariant[];
  private readonly healsAt: number;
  private readonly databases: Record<Service, ServiceDatabase>;
  private readonly clocks = Object.fromEntries(services.map((service) => [service, 0])) as Record<Service, number>;
  private readonly outside: Outside;
  private readonly system: System;
  private readonly processes: Processes;
  private readonly operator: Operator;
  private violation: string | undefined;
  private atRest = false;
  /** When something has happened last. */
  private newsAt = 0;

  constructor(private readonly options: SimulationOptions) {
    const { seed, workspace, parts, print } = options;
    const random = (this.random = new Random(seed));
    const scheduler = (this.scheduler = new Scheduler<Replica>(random));
    const faults = (this.faults = new Faults(random, services));
    const around = (this.around = { random, scheduler, faults });
    this.trace = new Trace(print);
    // Who gets the last piece is decided anew after a restore, and may be somebody else: that takes people.
    const products = faults.restored === 'inventory' ? ['plenty'] : wanted;
    this.scenarios = scenariosOf(random, faults.anHour ? HOUR_MS : 8_000, products);
    // Of its own, so that everything else that a seed does stays as it is.
    const refunds = new Random(~seed);
    // What a restored logistics has forgotten of recalls would be looked at too rarely.
    if (refunds.chance(0.3) || faults.restored === 'logistics') wantRefunds(refunds, this.scenarios);
    const longer = faults.anHour ? HOUR_MS : faults.minutes ? MINUTES_MS : faults.restored ? RESTORE_MS : 0;
    this.healsAt = UNHEALED_MS + longer;

    const report = (violation: string) => this.report(violation);
    const note = (who: string, what: string) => this.trace.note(scheduler.now, who, what);
    const stored = (message: Message) => {
      for (const invariant of this.invariants) invariant.stored?.(message);
    };
    this.broker = new Broker(options.profile ?? random.pick(profiles), around, stored, note);
    this.outside = new Outside(around, (order) => this.scenarios.get(order)!, report);
    this.databases = Object.fromEntries(
      services.map((service) => [service, this.open(service)]),
    ) as typeof this.databases;
    this.calls = new Calls(() => scheduler.now, report);
    const { scenarios, databases, outside, calls } = this;
    const now = () => scheduler.now;
    const keeper = lossless.includes(this.broker.profile);
    const hasKilled = (service: Service, id: string) => this.faults.hasKilled(`${service} ${id}`);
    this.invariants = [calls, ...invariantsOf({ scenarios, databases, outside, hasKilled, keeper, now, report })];
    this.customers = new Customers({ around, note, desk: () => this.processes.desk() });
    const committed = (commit: Commit) => {
      for (const invariant of this.invariants) invariant.committed?.(commit);
    };
    const verified: System['verified'] = (...args) => {
      for (const invariant of this.invariants) invariant.verified?.(...args);
    };
    const repaired = (service: Service) => {
      for (const invariant of this.invariants) invariant.repaired?.(service);
    };
    const deadlineS = random.pick([20, 60, 120]);
    this.system = {
      ...{ around, workspace, broker: this.broker, outside, calls, deadlineS, committed, verified, note, report },
      kill: (replica, before) => this.processes.kill(replica, before),
      isWarned: (replica) => this.processes.isWarned(replica, this.clocks[replica.service]),
      parts: { ...shipped, ...parts },
    };
    this.processes = new Processes(this.system, databases);
    this.operator = new Operator({ around, databases, parts: this.system.parts, note, repaired });
  }

  async run(): Promise<Result> {
    for (const service of services) await this.setUp(service);
    for (const service of services)
      for (let count = this.random.chance(0.75) ? 2 : 1; count > 0; count--) this.processes.start(service);
    for (const scenario of this.scenarios.values()) this.customers.expect(scenario);
    this.planFaults();
    this.look();
    let steps = 0;
    for (let task = this.scheduler.next(); task && !this.isOver(); task = this.scheduler.next(), steps++) {
      this.take(task);
      await quiet();
    }
    if (!this.violation) for (const invariant of this.invariants) invariant.end?.();
    return {
      seed: this.options.seed,
      profile: this.broker.profile.name,
      violation: this.violation,
      hash: this.trace.hash(),
      steps,
      virtualMs: this.scheduler.now,
      orders: this.scenarios.size,
      repeatedMails: this.outside.repeatedMails,
    };
  }

  private take(task: Task<Replica>): void {
    const { owner, label, detail } = task;
    const { trace, scheduler, faults } = this;
    if (owner && faults.strikes(owner.service, label)) return this.processes.kill(owner, `${label} ${detail}`);
    if (label === 'wake') trace.tick(scheduler.now);
    else {
      trace.note(scheduler.now, owner?.name ?? '', `${label} ${detail}`);
      this.newsAt = scheduler.now;
    }
    faults.calm = scheduler.now - this.newsAt > CALM_AFTER_MS;
    task.run();
  }

  private planFaults(): void {
    const { scheduler, broker, around } = this;
    planIncidents(
      around,
      {
        broker,
        setAway: (service, away) => {
          this.databases[service].away = away;
          if (away) this.cut(service);
        },
        setPaused: (service, paused) => (this.databases[service].paused = paused),
        cut: (service) => this.cut(service),
        jump: (service, ms) => {
          this.clocks[service] += ms;
          this.calls.forgive(service);
        },
        deploy: (service) => this.processes.replace(service),
        upgrade: (service) => this.processes.upgrade(service),
        backUp: (service) => this.backUp(service),
        replicas: () => this.processes.all,
        orderIds: [...this.scenarios.keys()],
        note: this.system.note,
      },
      this.healsAt,
    );
    scheduler.after(this.healsAt, null, 'incident', () => (this.faults.healed = true), 'everything heals');
  }

  private open(service: Service): ServiceDatabase {
    const now = () => EPOCH_MS + this.scheduler.now + this.clocks[service];
    const database = new MemoryDatabase({ elapsed: now });
    if (service === 'inventory')
      for (const [product_id, available] of Object.entries(stocked))
        database.table('stock').set(product_id, { product_id, version: 0, available, reserved: 0, sold: 0 });
    return { service, database, now, away: false, paused: false, stores: new Set() };
  }

  /** As setup does. */
  private async setUp(service: Service): Promise<void> {
    const { runtime } = new Replica('setup', service, this.around);
    const store = new MemoryStore(this.databases[service].database, runtime);
    await store.audit.declare(this.system.parts.audiences(service));
    await store.close();
  }

  /** As when the database was killed: no connection survives. */
  private cut(service: Service): void {
    for (const store of this.databases[service].stores) store.cut();
    this.calls.forgive(service);
  }

  /** The processes are stopped for the restore, and then everybody who publishes for the service asks it again. */
  private backUp(service: Service): () => void {
    const takenAt = this.scheduler.now;
    this.operator.busy = true;
    const backup = new Backup(this.databases[service], this.options.workspace.domains[service]);
    return () => {
      this.processes.killAll(service, 'the restore');
      backup.restore();
      for (const invariant of this.invariants) invariant.restored?.(service);
      this.operator.askAgain(service, takenAt);
    };
  }

  private report(violation: string): void {
    if (this.violation) return;
    this.violation = violation;
    this.system.note('!', violation);
  }

  private isOver(): boolean {
    return this.violation !== undefined || this.atRest;
  }

  /** Looks now and then whether there is nothing left to do. */
  private look(): void {
    const letters = this.operator.redrive(this.faults.healed);
    const people =
      this.customers.busy > 0 ? 'customers wait' : this.operator.busy || letters ? 'the operator waits' : undefined;
    const restless = people ?? unrest(this.databases, this.broker);
    if (restless === undefined) this.atRest = true;
    else if (this.scheduler.now > this.healsAt + REST_MS) this.report(`no rest: ${restless}`);
    else this.scheduler.after(LOOK_MS, null, 'wake', () => this.look());
  }
}
