import { setTimeout as sleep } from 'node:timers/promises';
import { isTopic, publishedBy, services, topology, type Service, type Topic } from '@order-events/contracts';
import { asPublished, idOfBytes, type LogRecord, type Message, type Transport } from '@order-events/messaging';
import { loadConfig, openTransport, TRANSPORT_SETTINGS } from '@order-events/service-kit';
import { withClient } from '@order-events/testing';
import type { Random } from '../simulate/random';
import type { System } from '../start';

/** A message that nobody can read, and who is to have it as a dead letter. */
export interface Poison {
  id: string;
  groups: readonly Service[];
  message: Message;
}

/** Of all poison, so that an operator can give up all of it together. */
export const POISON_KEY = 'poison';

/** How long Postgres and the broker may take to come back. */
const PATIENCE_MS = 5 * 60_000;
/** A relay is not made to wait for longer. */
const HOLD_MS = 3_000;
const AGAIN_MS = 200;
const COPIES = 20;
const RECENT = 500;
/** How long a relay waits while events gather; the page that it had begun is out before `SETTLED_MS`. */
const HELD_MS = 1_500;
const SETTLED_MS = 500;

const RECORD = 'id, topic, key, headers, body, created_at AS time, position::float8 AS position';
const publishers = services.filter((service) => publishedBy(service).length > 0);
const databaseOf = (service: Service) => service.replace('-', '_');

/** Publishes past the outboxes of the services what a broker could bring as well: the same again, something else first, and garbage. */
export class Wire {
  /** All that was published. */
  readonly poison: Poison[] = [];
  private readonly transport: Transport;

  constructor(private readonly system: System) {
    this.transport = openTransport(loadConfig(TRANSPORT_SETTINGS, {}, system.transportEnv), {
      applicationName: 'chaos',
      // What fails is tried again.
      onError: () => undefined,
      onCoded: () => undefined,
    }).transport;
  }

  /** @returns how many events came once more */
  async duplicate(random: Random): Promise<number> {
    const service = random.pick(publishers);
    const recent = await untilThere(() =>
      withClient(this.urlOf(service), async (client) => {
        const sql = `SELECT ${RECORD} FROM outbox ORDER BY position DESC LIMIT ${RECENT}`;
        return (await client.query<LogRecord>(sql)).rows;
      }),
    );
    const events = recent.filter(({ topic }) => isTopic(topic));
    const copies = Array.from({ length: Math.min(COPIES, events.length) }, () => copyOf(random.pick(events), random));
    await this.publish(copies);
    return copies.length;
  }

  /**
   * Has a relay wait until some events have gathered behind it, and publishes those the other way round before the relay does.
   * @returns how many events came in another order
   */
  async reorder(random: Random): Promise<number> {
    const service = random.pick(publishers);
    return untilThere(() =>
      withClient(this.urlOf(service), async (client) => {
        await client.query('BEGIN');
        const held = `SELECT clock_timestamp() AS since FROM log_cursor WHERE log = 'outbox' AND reader = 'relay' FOR UPDATE`;
        const { rows } = await client.query<{ since: Date }>(held);
        await sleep(HELD_MS);
        const { rows: gathered } = await client.query<LogRecord>(
          `SELECT ${RECORD} FROM outbox WHERE created_at > $1::timestamptz + $2 * interval '1 millisecond'
           ORDER BY position DESC LIMIT ${RECENT}`,
          [rows[0]!.since, SETTLED_MS],
        );
        const copies = gathered.filter(({ topic }) => isTopic(topic)).map((event) => copyOf(event, random));
        await this.publish(copies, HOLD_MS);
        await client.query('COMMIT');
        return copies.length;
      }),
    );
  }

  /** Each of these is to become a dead letter of each group that its topic is for. */
  async poisonThem(random: Random): Promise<Poison> {
    const topic = random.pick(Object.keys(topology) as Topic[]);
    const body = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(`{ torn apart ${random.next()}`)]);
    const message: Message = { topic, key: POISON_KEY, headers: {}, body };
    const poison = { id: idOfBytes(message), groups: topology[topic].consumers, message };
    await this.publish([message]);
    this.poison.push(poison);
    return poison;
  }

  /** Until all of it is stored. @throws if that takes longer than `ms`, or the broker refuses some of it */
  async publish(messages: readonly Message[], ms = PATIENCE_MS): Promise<void> {
    const end = performance.now() + ms;
    for (let open = messages; open.length > 0;) {
      const settlements = await this.transport.publish(open);
      for (const settlement of settlements)
        if (!settlement.stored && (settlement.problem === 'refused' || performance.now() > end))
          throw new Error(`chaos could not publish: ${settlement.detail}`);
      open = open.filter((_, index) => !settlements[index]!.stored);
      if (open.length > 0) await sleep(AGAIN_MS);
    }
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  private urlOf(service: Service): string {
    return this.system.databaseUrls[databaseOf(service)]!;
  }
}

/** As the delivery audit sends it again, for a broker that would drop a mere repetition by itself. */
function copyOf(record: LogRecord, random: Random): Message {
  const { headers, ...message } = asPublished(record);
  return { ...message, headers: { ...headers, 'ce-resend': String(1_000_000 + random.below(1_000_000)) } };
}

/** After a kill or a cut the database may be away. */
async function untilThere<T>(work: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; ;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(AGAIN_MS);
    }
  }
}
