import type { Service } from '@order-events/contracts';
import type { Random } from './random';

/** Everything that may go wrong. Each seed has some kinds and lacks others, so that none hides another. */
const kinds = [
  'slow',
  'lost wake-up',
  'commit refused',
  'commit of unknown outcome',
  'contention',
  'held up',
  'ack lost',
  'confirm lost',
  'call unanswered',
  'decision throws',
  'killing event',
  'crash',
  'deploy',
  'new version',
  'pause',
  'group paused',
  'database away',
  'connections cut',
  'clock jump',
  'broker away',
  'rewind',
  'restore',
  'garbage',
] as const;
export type FaultKind = (typeof kinds)[number];

/** The steps at which a process may die. */
const mortalSteps = [
  ...['begin', 'locked', 'commit', 'committed', 'publish', 'published'],
  ...['fetch', 'ack', 'claimed', 'call', 'answer', 'relayed'],
] as const;

/** order-api is not: an order that was answered for after the backup was made stands nowhere else. */
const restorable: readonly Service[] = ['inventory', 'payment', 'logistics', 'email'];
const CALM_DRAG = 20;
/** So that no lease runs out. */
const CALM_LOOK_MS = 5_000;

/** Each ends half a dozen processes. */
const KILLING_EVENTS = 2;

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
  /** Nothing has happened for a while. */
  calm = false;
  readonly kinds: ReadonlySet<FaultKind>;
  private readonly killing = new Set<string>();
  /** The broker is away for an hour, in which orders come. */
  readonly anHour: boolean;
  /** A database is away for longer than events are kept in hand. */
  readonly minutes: boolean;
  /** Whose database goes back to an earlier copy. */
  readonly restored: Service | undefined;
  private blows: Blow[] = [];
  private timesThrown = new Map<string, number>();

  constructor(
    private readonly random: Random,
    services: readonly Service[],
  ) {
    this.kinds = new Set(kinds.filter(() => random.chance(0.45)));
    this.anHour = this.kinds.has('broker away') && random.chance(0.06);
    this.minutes = this.kinds.has('database away') && random.chance(0.06);
    this.restored = this.kinds.has('restore') && random.chance(0.3) ? random.pick(restorable) : undefined;
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

  /** How long a sleep of `ms` takes: looking again when there is nothing to see costs time, and finds nothing. */
  slept(ms: number): number {
    const dragged = ms * this.drag;
    return this.calm ? Math.max(dragged, Math.min(ms * CALM_DRAG, CALM_LOOK_MS)) : dragged;
  }

  /** How long the next thing takes, milliseconds. */
  latency(): number {
    if (this.happens('slow', 0.08)) return this.random.between(5, 150);
    if (this.happens('slow', 0.004)) return this.random.between(150, 4_000);
    return this.random.between(0, 3);
  }

  /** How long a message is on its way, milliseconds. */
  transit(): number {
    return this.happens('held up', 0.015) ? this.random.between(1_000, 90_000) : this.latency();
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

  /** Whether the decision on an event ends its process: of one of which it once did always, until the handler is mended. */
  killsOn(event: string): boolean {
    if (this.killing.has(event)) return !this.healed;
    if (this.killing.size >= KILLING_EVENTS || !this.happens('killing event', 0.01)) return false;
    this.killing.add(event);
    return true;
  }

  hasKilled(event: string): boolean {
    return this.killing.has(event);
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
