import type { Service } from '@order-events/contracts';
import { CAUTION_MS } from '@order-events/messaging';
import type { OrderDesk } from './order-desk';
import { Replica } from './replica';
import { SimulatedService, type System } from './service';
import type { ServiceDatabase } from './store';

/** The processes of all services: started, killed, replaced. */
export class Processes {
  private readonly running = new Map<Replica, SimulatedService>();
  /** Whose new processes know a newer version of the events. */
  private readonly upgraded = new Set<Service>();
  /** Those that are being replaced. */
  private readonly leaving = new Set<Replica>();
  private started = 0;
  /** When a process of it died last, virtual milliseconds. */
  private readonly diedAt = new Map<Service, number>();

  constructor(
    private readonly system: System,
    private readonly databases: Readonly<Record<Service, ServiceDatabase>>,
  ) {}

  get all(): readonly Replica[] {
    return [...this.running.keys()];
  }

  start(service: Service): void {
    const name = `${service}#${++this.started}`;
    const replica = new Replica(name, service, this.system.around, this.upgraded.has(service));
    this.running.set(replica, new SimulatedService(this.system, replica, this.databases[service]));
  }

  /** Ends a process as kill -9 does; a new one takes its place after a while. */
  kill(replica: Replica, before: string): void {
    const { service, name } = replica;
    const { scheduler, random } = this.system.around;
    this.diedAt.set(service, scheduler.now);
    this.system.note(name, `dies before ${before}`);
    replica.die();
    // One that was being replaced has its successor already.
    if (!this.running.delete(replica)) return;
    const ms = random.between(200, 6_000);
    scheduler.after(ms, null, 'incident', () => this.start(service), `${service} is started again`);
  }

  /** Those that are being replaced, too. */
  killAll(service: Service, before: string): void {
    for (const replica of [...this.running.keys(), ...this.leaving])
      if (replica.service === service && replica.alive) this.kill(replica, before);
  }

  /** The new process starts, and the old one ends what it has begun. */
  replace(service: Service, which: (replica: Replica) => boolean = () => true): void {
    this.start(service);
    const [old, running] = [...this.running].find(([replica]) => replica.service === service && which(replica))!;
    this.running.delete(old);
    this.leaving.add(old);
    void running.stop().then(() => {
      old.die();
      this.leaving.delete(old);
    });
  }

  /** Replaces one of those that know no newer version yet. @returns whether there was one */
  upgrade(service: Service): boolean {
    this.upgraded.add(service);
    const isOld = (replica: Replica) => replica.service === service && !replica.isAhead;
    const hasOld = this.all.some(isOld);
    if (hasOld) this.replace(service, isOld);
    return hasOld;
  }

  /** Nothing is asked of one whose database has another idea of how long ago that was. */
  isWarned({ service, startedAt }: Replica, clock: number): boolean {
    const diedAt = this.diedAt.get(service) ?? Infinity;
    return diedAt <= startedAt && this.system.around.scheduler.now - diedAt < CAUTION_MS && clock === 0;
  }

  /** Of one that is open; undefined when none is. */
  desk(): OrderDesk | undefined {
    const open = [...this.running.values()].flatMap(({ desk }) => desk ?? []);
    return open.length > 0 ? this.system.around.random.pick(open) : undefined;
  }
}
