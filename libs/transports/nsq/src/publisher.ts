import { bisect, type Message, type Settlement } from '@order-events/messaging';
import type { WriterNSQDConnection } from 'nsqjs';
import { Connection, type ConnectionSettings } from './connection';
import { addressOf, type Node, type Nodes } from './nodes';
import { nsqName } from './wire';

export interface PublisherOptions {
  nodes: Nodes;
  prefix: string;
  /** @throws UnfitError */
  encode(message: Message): Buffer;
  settings: ConnectionSettings;
}

/** How long one nsqd may take to say that it has the messages of a command; then the next is asked. */
const ANSWER_MS = 10_000;
/** Of one command; nsqd takes 5 MiB by default. */
const MAX_COMMAND_BYTES = 4 * 1024 * 1024;
/** A nsqd that syncs the disk after each message must be done with them long before the time is over. */
const MAX_COMMAND_MESSAGES = 64;
/** What each message costs in it besides its own bytes. */
const LENGTH_BYTES = 4;
/** nsqd says no for the message's own sake. */
const REFUSAL = /E_BAD_(MESSAGE|BODY|TOPIC)/;

/** A message of a batch, ready for the wire, and where in the batch it stood. */
interface Item {
  index: number;
  body: Buffer;
}

interface Command {
  topic: string;
  items: Item[];
  bytes: number;
}

/** Publishes to one nsqd for as long as it answers, and then to the next. */
export class Publisher {
  private readonly writers = new Map<string, Connection<WriterNSQDConnection>>();
  private current: Node | undefined;
  /** Other publishers begin with another nsqd. */
  private readonly start = Math.random();

  constructor(private readonly options: PublisherOptions) {}

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    const settlements: Settlement[] = [];
    let away: Settlement | undefined;
    for (const { topic, items } of this.commands(batch, settlements)) {
      const results = away ? items.map(() => away!) : await this.store(topic, items);
      away = results.find((result) => !result.stored && result.problem === 'unavailable');
      for (const [position, { index }] of items.entries()) settlements[index] = results[position]!;
    }
    return settlements;
  }

  async close(): Promise<void> {
    await Promise.all([...this.writers.values()].map((writer) => writer.end()));
  }

  /** What can be sent, by topic. Settles what cannot. */
  private commands(batch: readonly Message[], settlements: Settlement[]): Command[] {
    const commands: Command[] = [];
    for (const [index, message] of batch.entries()) {
      try {
        const topic = nsqName(this.options.prefix, message.topic);
        const body = this.options.encode(message);
        const bytes = body.byteLength + LENGTH_BYTES;
        const last = commands.findLast((command) => command.topic === topic);
        if (last && last.bytes + bytes <= MAX_COMMAND_BYTES && last.items.length < MAX_COMMAND_MESSAGES) {
          last.items.push({ index, body });
          last.bytes += bytes;
        } else commands.push({ topic, items: [{ index, body }], bytes });
      } catch (error) {
        settlements[index] = { stored: false, problem: 'refused', detail: (error as Error).message };
      }
    }
    return commands;
  }

  private async store(topic: string, items: readonly Item[]): Promise<Settlement[]> {
    try {
      return await bisect<Item, Settlement>(
        items,
        (some) => this.send(topic, some),
        (error) => REFUSAL.test((error as Error).message),
        (_, error) => ({ stored: false, problem: 'refused', detail: (error as Error).message }),
      );
    } catch (error) {
      return items.map(() => ({ stored: false, problem: 'unavailable', detail: (error as Error).message }));
    }
  }

  /** Rejects with the last reason when no nsqd has said that it has them. */
  private async send(topic: string, items: readonly Item[]): Promise<Settlement[]> {
    let reason: unknown;
    for await (const node of this.candidates()) {
      try {
        await this.command(node, topic, items);
        this.current = node;
        return items.map(() => ({ stored: true }));
      } catch (error) {
        if (REFUSAL.test((error as Error).message)) throw error;
        if (this.current === node) this.current = undefined;
        reason = error;
      }
    }
    throw reason;
  }

  /** Nobody is asked for the others while the current one answers. */
  private async *candidates(): AsyncGenerator<Node> {
    const { current } = this;
    if (current) yield current;
    const nodes = await this.options.nodes.find();
    const first = Math.floor(this.start * nodes.length);
    for (const node of [...nodes.slice(first), ...nodes.slice(0, first)]) {
      if (!current || addressOf(node) !== addressOf(current)) yield node;
    }
  }

  private async command(node: Node, topic: string, items: readonly Item[]): Promise<void> {
    const writer = this.writer(node);
    const late = new Error(`no answer within ${ANSWER_MS} ms`);
    const timer = setTimeout(() => writer.destroy(late), ANSWER_MS);
    try {
      await writer.ready;
      await this.produce(writer, topic, items);
    } finally {
      clearTimeout(timer);
    }
  }

  private async produce(writer: Connection<WriterNSQDConnection>, topic: string, items: readonly Item[]) {
    if (writer.isOver) throw await writer.ended;
    const bodies = items.map(({ body }) => body);
    const error = await new Promise<Error | null>((answer) =>
      writer.nsqd.produceMessages(topic, bodies, undefined, answer),
    );
    if (error) throw writer.isOver && !REFUSAL.test(error.message) ? await writer.ended : error;
  }

  private writer(node: Node): Connection<WriterNSQDConnection> {
    const address = addressOf(node);
    const known = this.writers.get(address);
    if (known && !known.isOver) return known;
    const writer = Connection.writer(node, this.options.settings);
    this.writers.set(address, writer);
    return writer;
  }
}
