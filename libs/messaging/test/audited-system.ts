import { audiences, auditTopics, services, topology, topics, type Service } from '@order-events/contracts';
import { MemoryDatabase, MemoryStore } from '@order-events/store';
import { eventually, takesEverything, VirtualRuntime } from '@order-events/testing';
import { MemoryTransport } from '@order-events/transport-memory';
import {
  DeliveryAudit,
  encode,
  Pipeline,
  Relay,
  type InboxEntry,
  type Message,
  type OutboxEntry,
  type Settlement,
  type Topic,
  type Transport,
} from '../src/index';
import { dataOf } from './event-data';
import { LossyBroker } from './lossy-broker';
import { Notes } from './counting';

/** What the audits have told, all groups together. */
export class AuditNotes extends Notes {
  readonly sums = { verified: 0, missing: 0, resent: 0 };
  verified(_: string, count: number): void {
    this.sums.verified += count;
  }
  missing(_: string, count: number): void {
    this.sums.missing += count;
  }
  resent(_: string, count: number): void {
    this.sums.resent += count;
  }
  notResent(_: string, __: number, detail: string): void {
    this.errors.push(detail);
  }
}

/** Which parts of a process run. */
export interface Running {
  audits?: boolean;
  consumes?: boolean;
  publishes?: boolean;
}

/** One process of a service. */
export interface Process {
  /** As kill -9: nothing of it has any effect any more. */
  kill(): Promise<void>;
}

/** Five services on a broker that loses what a test tells it to. They take events into their inboxes and do nothing else. */
export class AuditedSystem {
  readonly runtime = new VirtualRuntime();
  readonly broker = new LossyBroker(this.runtime);
  readonly notes = new AuditNotes();
  /** Whether what is on its way to a group counts as in the hands of another process, which `backlog` does not see. */
  unseenHands = false;
  takesResends = true;
  readonly databases = new Map(services.map((service) => [service, new MemoryDatabase(this.runtime)]));
  private readonly ends: (() => Promise<void>)[] = [];

  /** Declares all topics and audits. */
  async setUp(): Promise<void> {
    const edges = topics.map((topic) => ({ topic, groups: topology[topic].consumers }));
    await this.transport().declare([...edges, ...auditTopics]);
    for (const service of services) await this.store(service).audit.declare(audiences(service));
  }

  async start(service: Service, { audits = true, consumes = true, publishes = true }: Running = {}): Promise<Process> {
    const { runtime, notes } = this;
    const store = this.store(service);
    const transport = this.transport();
    const stop = new AbortController();
    const shared = { store, transport, runtime, observer: notes };
    const audit = new DeliveryAudit({ ...shared, store: store.audit, service, audiences: audiences(service) });
    const loops: Promise<void>[] = [];
    if (audits) loops.push(audit.run(stop.signal));
    if (publishes) loops.push(new Relay({ ...shared, batch: 500 }).run(stop.signal));
    const subscription = consumes ? await this.subscribe(service, transport, store, audit) : undefined;
    const end = async () => {
      stop.abort();
      await subscription?.close();
      await Promise.all(loops);
      await store.close();
    };
    this.ends.push(end);
    return {
      kill: async () => {
        await store.close();
        await end();
      },
    };
  }

  /** Appends an event of the topic to its publisher's outbox; its id says when. */
  async publish(topic: Topic, order = 'o1', data: object = dataOf(topic, order)): Promise<string> {
    const id = this.runtime.eventId();
    const event = { type: topic, subject: order, sequence: 1, data };
    const { publisher } = topology[topic];
    const entry: OutboxEntry = encode(event as Parameters<typeof encode>[0], id, { source: `/${publisher}` });
    await this.store(publisher).transact((tx) => tx.append([entry]));
    return id;
  }

  /** Publishes so many events, one in every so many milliseconds. */
  async flow(topic: Topic, count: number, everyMs: number): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n++) {
      ids.push(await this.publish(topic, `o${n}`));
      await this.later(everyMs);
    }
    return ids;
  }

  /** Ids that the group's inbox holds. */
  inbox(group: Service): Map<string, object> {
    return this.databases.get(group)!.table<InboxEntry>('inbox');
  }

  holds(group: Service, ids: readonly string[]): boolean {
    const inbox = this.inbox(group);
    return ids.every((id) => inbox.has(`${group} ${id}`));
  }

  store(service: Service): MemoryStore {
    return new MemoryStore(this.databases.get(service)!, this.runtime);
  }

  /** Nothing is unverified that was appended for the group until now. */
  async isVerified(publisher: Service, group: Service): Promise<boolean> {
    const status = await this.store(publisher).audit.status();
    const { verified, missing } = status.find((one) => one.group === group)!;
    const topics: readonly string[] = audiences(publisher).get(group)!;
    const { outbox } = this.databases.get(publisher)!;
    const open = outbox.filter(({ topic, position }) => topics.includes(topic) && position > verified);
    return open.length === 0 && missing === 0;
  }

  /** Waits for a state. @throws if it is not there after a day of the system's time: then it never will be. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const end = this.runtime.elapsed() + 24 * 3_600_000;
    await eventually(async () => {
      if (this.runtime.elapsed() > end) throw new Error(`it never comes: ${JSON.stringify([...this.notes.errors])}`);
      return condition();
    });
  }

  /** Lets so many milliseconds of the system's time pass. */
  async later(ms: number): Promise<void> {
    const end = this.runtime.elapsed() + ms;
    await this.until(() => this.runtime.elapsed() >= end);
  }

  async stop(): Promise<void> {
    await Promise.all(this.ends.map((end) => end()));
  }

  private transport(): Transport {
    const transport = new MemoryTransport({
      broker: this.broker,
      onError: (error) => this.notes.errors.push(error.message),
      runtime: this.runtime,
    });
    const { backlog, capabilities, publish } = transport;
    return Object.assign(transport, {
      capabilities: { ...capabilities, ...(this.unseenHands && { unseenHands: true }) },
      publish: (batch: readonly Message[]): Promise<Settlement[]> =>
        this.takesResends || !batch.some(({ headers }) => 'ce-resend' in headers)
          ? publish.call(transport, batch)
          : Promise.resolve(batch.map(() => ({ stored: false, problem: 'unavailable', detail: 'not now' }))),
      backlog: async (group: string) => {
        if (this.broker.silent.has(group)) throw new Error('the broker does not say');
        return (await backlog.call(transport, group)) + (this.unseenHands ? 0 : this.broker.underWay(group));
      },
    });
  }

  private subscribe(service: Service, transport: Transport, store: MemoryStore, audit: DeliveryAudit) {
    const { runtime, notes } = this;
    const consumer = takesEverything(service);
    const pipeline = new Pipeline({ consumer, store, runtime, observer: notes });
    return transport.subscribe({
      group: service,
      topics: [...consumer.handlers.keys(), ...audit.topics],
      batch: 100,
      waitMs: 5,
      inFlight: 1_000,
      parallel: 4,
      handle: (batch) => pipeline.handle(audit.take(batch)),
    });
  }
}
