import type {
  Capabilities,
  Message,
  Settlement,
  Subscribe,
  Subscription,
  TopicDeclaration,
  Transport,
} from '../ports/transport';
import { anyOf } from '../any-of';
import { CallGate } from './call-gate';
import { PartialProofs } from './partial-proofs';

export interface RoutedTransportOptions {
  /** Two or more, each under another name. */
  parts: readonly Transport[];
  /** The parts that a topic is published to, at least one. */
  route(topic: string): readonly Transport[];
}

type Unstored = Extract<Settlement, { stored: false }>;

/**
 * Several transports as one. A message goes to the parts that its topic has for a route, and is stored when each of them
 * has proved to hold it; every topic is declared on and consumed from all of them, so that what waits on one is found
 * whatever the routes say now or said when it was published. Of what goes wrong it is told which part has said so.
 */
export class RoutedTransport implements Transport {
  readonly name: string;
  readonly capabilities: Capabilities;
  private readonly parts: readonly Transport[];
  private readonly proofs = new PartialProofs();

  constructor(private readonly options: RoutedTransportOptions) {
    this.parts = options.parts;
    this.name = this.parts.map(({ name }) => name).join('+');
    const all = this.parts.map(({ capabilities }) => capabilities);
    this.capabilities = {
      order: 'none',
      maxBytes: Math.min(...all.map(({ maxBytes }) => maxBytes)),
      ...(all.some(({ unseenHands }) => unseenHands) && { unseenHands: true }),
      ...(all.some(({ makesTopics }) => makesTopics) && { makesTopics: true }),
      ...(all.some(({ fleeting }) => fleeting) && { fleeting: true }),
    };
  }

  async declare(topics: readonly TopicDeclaration[]): Promise<void> {
    await this.each((part) => part.declare(topics));
  }

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    const routes = batch.map((message) => this.proofs.lacking(message, this.options.route(message.topic)));
    const settlements = batch.map(() => new Map<Transport, Settlement>());
    const publishTo = async (part: Transport) => {
      const indices = routes.flatMap((route, index) => (route.includes(part) ? [index] : []));
      if (indices.length === 0) return;
      const settled = await part.publish(indices.map((index) => batch[index]!));
      for (const [nth, index] of indices.entries()) settlements[index]!.set(part, settled[nth]!);
    };
    await Promise.all(this.parts.map(publishTo));
    return batch.map((message, index) => this.settle(message, settlements[index]!));
  }

  async subscribe(subscribe: Subscribe): Promise<Subscription> {
    const gate = new CallGate(subscribe);
    const inFlight = Math.max(1, Math.floor(subscribe.inFlight / this.parts.length));
    const subscriptions: Subscription[] = [];
    const close = async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
    };
    const join = async (part: Transport) => {
      subscriptions.push(await part.subscribe({ ...subscribe, inFlight, handle: (batch) => gate.handle(batch) }));
    };
    await this.each(join).catch(async (error: unknown) => {
      await close();
      throw error;
    });
    return { close };
  }

  async backlog(group: string): Promise<number> {
    const each = await this.each((part) => part.backlog(group));
    return each.reduce((sum, one) => sum + one, 0);
  }

  async isConsumed(group: string): Promise<boolean> {
    return anyOf(this.parts.map((part) => part.isConsumed(group)));
  }

  async release(group: string, processes: readonly string[]): Promise<void> {
    await this.each(async (part) => part.release?.(group, processes));
  }

  async ping(): Promise<void> {
    await this.each((part) => part.ping());
  }

  async close(): Promise<void> {
    await this.each((part) => part.close());
  }

  /** Nothing is final as long as one of them may still come to hold it. */
  private settle(message: Message, settlements: ReadonlyMap<Transport, Settlement>): Settlement {
    const open = [...settlements].flatMap(([{ name }, settlement]): Unstored[] =>
      settlement.stored ? [] : [{ ...settlement, detail: `${name}: ${settlement.detail}` }],
    );
    const unavailable = open.find(({ problem }) => problem === 'unavailable');
    if (!unavailable) {
      this.proofs.forget(message);
      return open[0] ?? { stored: true };
    }
    const proved = [...settlements].filter(([, { stored }]) => stored).map(([part]) => part);
    if (proved.length > 0) this.proofs.add(message, proved);
    return unavailable;
  }

  /** Asks all of them, and waits for all. Rejects with what each has said that rejected. */
  private async each<R>(ask: (part: Transport) => Promise<R>): Promise<R[]> {
    const answers = await Promise.allSettled(this.parts.map(ask));
    const errors = answers.flatMap((answer, index) => {
      if (answer.status === 'fulfilled') return [];
      const cause = answer.reason as Error;
      return [new Error(`${this.parts[index]!.name}: ${cause.message}`, { cause })];
    });
    if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '));
    return answers.map((answer) => (answer as PromiseFulfilledResult<R>).value);
  }
}
