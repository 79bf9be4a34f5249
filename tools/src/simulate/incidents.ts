import { services, type Service } from '@order-events/contracts';
import type { Broker } from './broker';
import { garbage } from './garbage';
import type { Replica, Surroundings } from './replica';

/** What befalls whole parts of the system. */
export interface Incidents {
  broker: Broker;
  setAway(service: Service, away: boolean): void;
  /** As an operator does: the whole group stands still. */
  setPaused(service: Service, paused: boolean): void;
  cut(service: Service): void;
  jump(service: Service, ms: number): void;
  /** Replaces a process by a new one, as an update does: the new one starts, the old one ends what it has begun. */
  deploy(service: Service): void;
  /** From now on processes of it start with a newer version; returns whether an old one was replaced just now. */
  upgrade(service: Service): boolean;
  /** Keeps a copy of a service's database; what it returns puts that in its place. */
  backUp(service: Service): () => void;
  replicas(): readonly Replica[];
  orderIds: readonly string[];
  note(who: string, what: string): void;
}

export const HOUR_MS = 3_600_000;
/** More than the three for which the pipeline holds on to a batch. */
export const MINUTES_MS = 4 * 60_000;
/** Enough for an audit to have verified what a restore makes forgotten. */
export const RESTORE_MS = 2 * 60_000;

/** Plans what happens by seed, all of it over before `until`, virtual milliseconds. */
export function planIncidents(around: Surroundings, incidents: Incidents, until: number): void {
  const { random, scheduler, faults } = around;
  const { broker, setAway, setPaused, cut, jump, deploy, upgrade, backUp, replicas, note } = incidents;
  const times = (kind: Parameters<typeof faults.happens>[0], most: number) =>
    faults.kinds.has(kind) ? 1 + random.below(most) : 0;
  const at = (ms: number, what: string, happen: () => void) => scheduler.after(ms, null, 'incident', happen, what);
  if (faults.anHour) {
    at(1_000, 'the broker is away for an hour', () => broker.setAway(true));
    at(30_000, 'everybody sleeps longer', () => (faults.drag = 40));
    at(1_000 + HOUR_MS, 'the broker is back', () => {
      faults.drag = 1;
      broker.setAway(false);
    });
  }
  if (faults.minutes) {
    const service = random.pick(services);
    const from = random.between(0, 10_000);
    at(from, `the database of ${service} is away for minutes`, () => setAway(service, true));
    at(from + MINUTES_MS, `the database of ${service} is back`, () => setAway(service, false));
  }
  const early = () => random.between(0, random.pick([200, 2_000, until / 2]));

  for (let i = faults.minutes ? 0 : times('database away', 3); i > 0; i--) {
    const service = random.pick(services);
    const from = early();
    at(from, `the database of ${service} is away`, () => setAway(service, true));
    const end = Math.min(until, from + random.between(100, random.pick([2_000, 30_000])));
    at(end, `the database of ${service} is back`, () => setAway(service, false));
  }
  for (let i = faults.anHour ? 0 : times('broker away', 2); i > 0; i--) {
    const from = early();
    at(from, 'the broker is away', () => broker.setAway(true));
    const end = Math.min(until, from + random.between(100, random.pick([3_000, 30_000])));
    at(end, 'the broker is back', () => broker.setAway(false));
  }
  for (let i = times('group paused', 2); i > 0; i--) {
    const service = random.pick(services);
    const from = early();
    at(from, `an operator pauses ${service}`, () => setPaused(service, true));
    const end = Math.min(until, from + random.between(100, random.pick([3_000, 40_000])));
    at(end, `${service} goes on`, () => setPaused(service, false));
  }
  for (let i = times('connections cut', 3); i > 0; i--) {
    const service = random.pick(services);
    at(early(), `${service} loses all connections to its database`, () => cut(service));
  }
  for (let i = times('clock jump', 3); i > 0; i--) {
    const service = random.pick(services);
    const ms = random.pick([-20_000, -500, 5_000, 65_000, 3_600_000]);
    at(early(), `the clock of ${service} jumps by ${ms / 1000} s`, () => jump(service, ms));
  }
  for (let i = times('pause', 3); i > 0; i--)
    at(early(), 'a process is stopped for a while', () => {
      const replica = random.pick(replicas());
      replica.pausedUntil = scheduler.now + random.between(100, random.pick([2_000, 20_000, 90_000]));
      note(replica.name, `stands still until ${(replica.pausedUntil / 1000).toFixed(3)}`);
    });
  for (let i = times('deploy', 4); i > 0; i--) {
    const service = random.pick(services);
    at(early(), `a process of ${service} is replaced`, () => deploy(service));
  }
  for (let i = times('rewind', 2); i > 0; i--) {
    const service = random.pick(services);
    at(early(), `all that ${service} has read is delivered again`, () => broker.group(service).rewind());
  }
  // Each service by itself, one process after the other: meanwhile some tell what others do not know.
  for (const service of faults.kinds.has('new version') ? services : []) {
    const roll = () => {
      const pause = random.between(0, 10_000);
      if (upgrade(service)) at(pause, `the next process of ${service} is upgraded`, roll);
    };
    at(early(), `${service} is upgraded`, roll);
  }
  const { restored } = faults;
  if (restored) {
    const from = early();
    at(from, `a backup of ${restored} is made`, () => {
      const restore = backUp(restored);
      at(random.between(500, (until - from) * 0.9), `${restored} is restored from the backup`, restore);
    });
  }
  for (let i = times('garbage', 3); i > 0; i--)
    at(early(), 'somebody publishes garbage', () => broker.store([garbage(random.pick(incidents.orderIds), i)]));
}
