import type { Message, Settlement } from '@order-events/messaging';
import { IllegalOperationError, type ConfirmChannel } from 'amqplib';
import { TIMEOUT_MS, Watched, type Open } from './connection';
import type { Topology } from './topology';
import { properties } from './wire';

/** PRECONDITION_FAILED: the broker ends a channel for one message's sake, and does not say which. */
const REFUSED = 406;

/** One of the messages that were sent together was refused. */
export class Refusal extends Error {
  override name = 'Refusal';
}

interface Waiting {
  routingKey: string;
  unroutable?: true;
  settle(settlement: Settlement): void;
}

export const unavailable = (detail: string): Settlement => ({ stored: false, problem: 'unavailable', detail });
export const refused = (detail: string): Settlement => ({ stored: false, problem: 'refused', detail });

/** A confirm channel, and what was published on it and not yet confirmed. */
export class Line {
  private readonly watched: Watched<ConfirmChannel>;
  private readonly waiting = new Set<Waiting>();
  private full = false;

  constructor(
    private readonly open: Open,
    channel: ConfirmChannel,
    private readonly topology: Topology,
  ) {
    this.watched = new Watched(channel);
    // Before its confirm, which says nothing of it. All that is on its way by the same routing key shares its lot.
    channel.on('return', ({ fields }) => this.markUnroutable(fields.routingKey));
    const block = (reason: string) => this.settleAll(unavailable(`RabbitMQ takes no more messages: ${reason}`));
    open.model.on('blocked', block);
    void this.ended.then(() => open.model.off('blocked', block));
  }

  get ended(): Promise<Error> {
    return this.watched.ended;
  }

  /** Settles each message, in the order given. Rejects with a Refusal when the broker ended the line for one of them. */
  async send(batch: readonly Message[]): Promise<Settlement[]> {
    const silence = setTimeout(() => this.open.abandon(new Error('RabbitMQ confirms nothing')), TIMEOUT_MS);
    const answers: Promise<Settlement>[] = [];
    try {
      for (const message of batch) {
        answers.push(this.publish(message, () => silence.refresh()));
        if (this.full) await this.drained();
      }
      const settlements = await Promise.all(answers);
      const { reason } = this.watched;
      if (reason?.code === REFUSED && settlements.some(isOpen)) throw new Refusal(reason.message);
      return settlements;
    } finally {
      clearTimeout(silence);
    }
  }

  close(): Promise<void> {
    return this.watched.close();
  }

  private publish(message: Message, heard: () => void): Promise<Settlement> {
    const { open, topology, watched } = this;
    if (open.blocked) return Promise.resolve(unavailable(`RabbitMQ takes no more messages: ${open.blocked}`));
    return new Promise((resolve) => {
      const routingKey = topology.routingKey(message.topic);
      const waiting: Waiting = { routingKey, settle: resolve };
      const confirm = (error: Error | null) => {
        if (!this.waiting.delete(waiting)) return;
        heard();
        if (error) resolve(unavailable(watched.reason?.message ?? error.message));
        else if (waiting.unroutable) resolve(unavailable(`no group is declared for ${message.topic}`));
        else resolve({ stored: true });
      };
      try {
        const body = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength);
        this.full = !watched.channel.publish(topology.exchange, routingKey, body, properties(message), confirm);
        this.waiting.add(waiting);
      } catch (error) {
        const { message: detail } = error as Error;
        // Whatever else the client throws it would throw again: nothing of the message has been sent.
        resolve(error instanceof IllegalOperationError ? unavailable(detail) : refused(detail));
      }
    });
  }

  private async drained(): Promise<void> {
    const { channel, ended } = this.watched;
    await Promise.race([ended, new Promise((resolve) => channel.once('drain', resolve))]);
    this.full = false;
  }

  private markUnroutable(routingKey: string): void {
    for (const waiting of this.waiting) if (waiting.routingKey === routingKey) waiting.unroutable = true;
  }

  private settleAll(settlement: Settlement): void {
    for (const { settle } of this.waiting) settle(settlement);
    this.waiting.clear();
  }
}

const isOpen = (settlement: Settlement) => !settlement.stored && settlement.problem === 'unavailable';
