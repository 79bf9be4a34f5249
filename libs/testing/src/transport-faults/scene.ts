import type { Subscribe, Subscription, Transport } from '@order-events/messaging';
import { eventually } from '../eventually';
import type { FaultProxy } from '../fault-proxy';
import { Gate } from '../gate';
import { member, type Seen } from '../transport-load';
import type { Killable, TransportAtFault } from './at-fault';
import { Load } from './load';

/** What one test has to itself: names of its own, what it publishes, and what it opens, which is closed with it. */
export class Scene {
  readonly load = new Load();
  /** What the transports have told. */
  readonly errors: Error[] = [];
  /** Of what was stored, the most that one kill -9 may cost. */
  readonly lostPerKill: number;
  private readonly transports: Transport[] = [];
  private readonly subscriptions: Subscription[] = [];
  private readonly gates: Gate[] = [];
  /** Of the members of the group that are there, how many messages each may have in hand. */
  private readonly room = new Map<Subscription, number>();
  private struck = 0;

  constructor(
    private readonly test: TransportAtFault,
    private readonly prefix: string,
  ) {
    this.lostPerKill = test.lostPerKill ?? 0;
  }

  get broker(): Killable {
    return this.test.broker;
  }

  get proxy(): FaultProxy {
    return this.test.proxy;
  }

  /** Of another process, past the proxy. */
  direct(): Transport {
    return this.connect(this.test.direct);
  }

  /** Of another process, through the proxy. */
  proxied(): Transport {
    return this.connect(`127.0.0.1:${this.proxy.port}`);
  }

  /** A transport, past the proxy, and the topic `things` that the group g consumes. */
  async declared(): Promise<Transport> {
    const transport = this.direct();
    await transport.declare([{ topic: 'things', groups: ['g'] }]);
    await this.test.declarationsAreKept?.();
    return transport;
  }

  /** A member of g that handles what it gets at once, unless it is said otherwise. */
  async member(transport: Transport, more: Partial<Subscribe> = {}): Promise<Subscription> {
    const limits = { inFlight: 40, ...more };
    const joined = await member(transport, this.load.counted().handle, limits);
    const subscription: Subscription = {
      close: async () => {
        await joined.close();
        this.room.delete(subscription);
      },
    };
    if (limits.group !== null) this.room.set(subscription, limits.inFlight);
    this.subscriptions.push(subscription);
    return subscription;
  }

  /** Does a fault. What the members have in hand then may have been handled, and come again; nothing that was acknowledged does. */
  async strike(fault: () => void | Promise<void>): Promise<void> {
    for (const inFlight of this.room.values()) this.struck += inFlight;
    await fault();
  }

  /** The most deliveries of what had been handled before that the faults until now explain. */
  get mayComeAgain(): number {
    return this.struck + this.load.account.resent;
  }

  /** Open at the end of the test at the latest: a call that lasts for ever would never let its member close. */
  gate(): Gate {
    const gate = new Gate();
    this.gates.push(gate);
    return gate;
  }

  /**
   * A member of g with room for fifty whose calls last until it is let go.
   * @param seen takes note of what it has in hand; the load's own counts it as handled
   */
  async holding(transport: Transport, seen = this.load.counted()): Promise<Holding> {
    const gate = this.gate();
    const handle: Subscribe['handle'] = async (batch) => {
      await seen.handle(batch);
      await gate.opened;
    };
    const subscription = await this.member(transport, { handle, inFlight: 50 });
    return { seen, letGo: gate.open, close: () => subscription.close() };
  }

  /** Resolves when nothing waits for the group any more. Who is gone without a word may be asked for a while. */
  async drained(transport: Transport): Promise<void> {
    await eventually(async () => (await transport.backlog('g').catch(() => undefined)) === 0);
  }

  async close(): Promise<void> {
    this.load.end();
    for (const gate of this.gates) gate.open();
    await Promise.all(this.subscriptions.map((subscription) => subscription.close()));
    await Promise.all(this.transports.map((transport) => transport.close()));
  }

  private connect(address: string): Transport {
    const onError = (error: Error) => void this.errors.push(error);
    const transport = this.test.connect({ address, prefix: this.prefix, onError });
    this.transports.push(transport);
    return transport;
  }
}

export interface Holding extends Subscription {
  seen: Seen;
  letGo(): void;
}
