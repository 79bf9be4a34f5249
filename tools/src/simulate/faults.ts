import type { Service } from '@order-events/contracts';
import type { Random } from './random';

/** Everything that may go wrong. Each seed has some kinds and lacks others, so that none hides another. */
const kinds = [
  'slow',
  'lost wake-up',
  'commit refused',
  'commit of unknown outcome',
  'contention',
  'ack lost',
  'confirm lost',
  'call unanswered',
  'decision throws',
  'crash',
  'deploy',
  'pause',
  'database away',
  'connections cut',
  'clock jump',
  'broker away',
  'rewind',
  'garbage',
] as const;
export type FaultKind = (typeof kinds)[number];

/** The steps at which a process may die. */
const mortalSteps = [
  ...['begin', 'locked', 'commit', 'committed', 'publish', 'published'],
  ...['fetch', 'ack', 'claimed', 'call', 'answer', 'relayed'],
] as const;

interface Blow {
  service: Service;
  label: string;
  /** So many steps of the kind go well before. */
  after: number;
}

/** What goes wrong until everything heals, by seed. */
export class Faults {
  healed = false;
  /** How much longer everybody sleeps than asked: a machine with nothing to do but look again is slow at that. */
  drag = 1;
  readonly kinds: ReadonlySet<FaultKind>;
  /** The broker is away for an hour, in which orders come. */
  readonly anHour: boolean;
  /** A database is away for longer than events are kept in hand. */
  readonly minutes: boolean;
  private blows: Blow[] = [];
  private timesThrown = new Map<string, number>();

  constructor(
    private readonly random: Random,
    services: readonly Service[],
  ) {
    this.kinds = new Set(kinds.filter(() => random.chance(0.45)));
    this.anHour = this.kinds.has('broker away') && random.chance(0.06);
    this.minutes = this.kinds.has('database away') && random.chance(0.06);
    if (!this.kinds.has('crash')) return;
    this.blows = Array.from({ length: 1 + random.below(8) }, () => ({
      service: random.pick(services),
      label: random.pick(mortalSteps),
      after: random.below(12),
    }));
  }

  /** Whether a fault of this kind, that comes with this probability, happens now. */
  happens(kind: FaultKind, probability: number): boolean {
    return !this.healed && this.kinds.has(kind) && this.random.chance(probability);
  }

  /** How long the next thing takes, milliseconds. */
  latency(): number {
    if (this.happens('slow', 0.08)) return this.random.between(5, 150);
    if (this.happens('slow', 0.004)) return this.random.between(150, 4_000);
    return this.random.between(0, 3);
  }

  /** Whether a service's process dies instead of doing this step. */
  strikes(service: Service, label: string): boolean {
    if (this.healed) return false;
    const blow = this.blows.find((blow) => blow.service === service && blow.label === label);
    if (!blow || blow.after-- > 0) return false;
    this.blows = this.blows.filter((other) => other !== blow);
    return true;
  }

  /** Whether the decision on an event throws, as one does that has a bug; never so often that the event is given up. */
  throwsOn(event: string): boolean {
    const times = this.timesThrown.get(event) ?? 0;
    if (times >= 3 || !this.happens('decision throws', 0.1)) return false;
    this.timesThrown.set(event, times + 1);
    return true;
  }

  /** The ways there and back of a call, milliseconds. `back` null: no answer comes. `accepted` false: "try again". */
  journey(): { there: number; back: number | null; accepted: boolean } {
    const { random } = this;
    const quick = () => random.between(1, 40);
    if (this.happens('call unanswered', 0.1)) return { there: quick(), back: null, accepted: true };
    if (this.happens('call unanswered', 0.07)) return { there: quick(), back: quick(), accepted: false };
    if (this.happens('call unanswered', 0.07))
      return { there: quick(), back: random.between(1, 30_000), accepted: true };
    if (this.happens('call unanswered', 0.03))
      return { there: random.between(1, 40_000), back: quick(), accepted: true };
    return { there: quick(), back: quick(), accepted: true };
  }
}
