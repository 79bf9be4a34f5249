import { bisect, within, type Message, type Settlement } from '@order-events/messaging';
import { BROKER, TIMEOUT_MS, type Connection } from './connection';
import { Line, refused, Refusal, unavailable } from './line';
import type { Topology } from './topology';

/** Publishes each batch on the line that all share. */
export class Publisher {
  private shared: Promise<Line> | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly topology: Topology,
  ) {}

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    try {
      const line = await (this.shared ??= this.share());
      return await line.send(batch).catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
        const refuse = (_: Message, fault: unknown) => refused((fault as Error).message);
        return bisect<Message, Settlement>(batch, (some) => this.sendAlone(some), isRefusal, refuse);
      });
    } catch (error) {
      return batch.map(() => unavailable((error as Error).message));
    }
  }

  /** On a line of its own, which no message of anybody else can end. */
  private async sendAlone(batch: readonly Message[]): Promise<Settlement[]> {
    const line = await this.open();
    try {
      return await line.send(batch);
    } finally {
      await line.close();
    }
  }

  private async share(): Promise<Line> {
    try {
      const line = await this.open();
      void line.ended.then(() => (this.shared = undefined));
      return line;
    } catch (error) {
      this.shared = undefined;
      throw error;
    }
  }

  private async open(): Promise<Line> {
    const open = await this.connection.get();
    if (open.blocked) throw new Error(`RabbitMQ takes no more messages: ${open.blocked}`);
    try {
      return new Line(open, await within(BROKER, TIMEOUT_MS, open.model.createConfirmChannel()), this.topology);
    } catch (error) {
      open.abandon(error as Error);
      throw error;
    }
  }
}

const isRefusal = (error: unknown) => error instanceof Refusal;
