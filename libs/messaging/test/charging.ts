import { counters, eventually, type FaultyStore } from '@order-events/testing';
import { EffectRunner, type Decision, type EffectEntry, type EffectHandler } from '../src/index';
import { Counting } from './counting';

type Counters = typeof counters;
export interface Charge {
  order: string;
  name: string;
}

/** The outside: it charges once for each idempotency key, however often it is called. */
class Outside {
  readonly calls: string[] = [];
  readonly charges = new Set<string>();
  /** What happens on the way to the answer; a test lets it wait or throw. */
  meddle: (idempotencyKey: string) => unknown = () => undefined;

  async call(idempotencyKey: string): Promise<{ charged: string }> {
    this.calls.push(idempotencyKey);
    this.charges.add(idempotencyKey);
    await this.meddle(idempotencyKey);
    return { charged: idempotencyKey };
  }
}

export const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export function charge(order: string, name = 'charge'): EffectEntry {
  const input: Charge = { order, name };
  return {
    kind: 'charge',
    key: order,
    idempotencyKey: `${order}.${name}`,
    input,
    causationid: 'c1',
    traceparent: TRACE,
  };
}

/** A service that counts what it has charged for, the outside that charges, and runners between them. */
export class Charging {
  readonly service = new Counting();
  readonly outside = new Outside();
  private readonly runners: { stop: AbortController; done: Promise<void> }[] = [];

  readonly intend = (...effects: EffectEntry[]) => this.service.store.transact((tx) => tx.intend(effects));

  readonly count = (rows: Parameters<typeof Counting.count>[0], { order }: Charge): Decision<Counters> =>
    Counting.count(rows, order);

  /** A runner as one process has it. */
  readonly run = (store: FaultyStore = this.service.process(), { parallel = 8, decide = this.count } = {}) => {
    const handler: EffectHandler<Counters, Charge, { charged: string }> = {
      kind: 'charge',
      call: (_, { idempotencyKey }) => this.outside.call(idempotencyKey),
      keys: ({ order }) => ({ counters: [order] }),
      decide,
    };
    const runner = new EffectRunner({
      source: '/counting',
      maxEventBytes: 1_000,
      tables: counters,
      handlers: [handler],
      ...{ store, runtime: this.service.runtime, observer: this.service.notes, parallel, tracer: this.service.tracer },
    });
    const stop = new AbortController();
    const running = { stop, done: runner.run(stop.signal) };
    this.runners.push(running);
    return running;
  };

  /** So many calls have been answered. */
  readonly done = (count: number) => eventually(() => this.service.notes.done.length >= count);

  async stop(): Promise<void> {
    for (const { stop } of this.runners) stop.abort();
    await Promise.all(this.runners.map(({ done }) => done));
  }
}
