import type { Message, Settlement } from '@order-events/messaging';
import type { Connection } from './connection';
import type { Wire } from './wire';

/** Far below what Redis takes (512 MB), so that nothing holds up everything behind it. */
export const MAX_BYTES = 16 * 1024 * 1024;

/** Publishes a batch at once, each message with a proof of its own: the id under which it stands in the stream. */
export class Publisher {
  constructor(
    private readonly connection: Connection,
    private readonly wire: Wire,
  ) {}

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    return Promise.all(batch.map((message) => this.one(message)));
  }

  private async one(message: Message): Promise<Settlement> {
    const { topic, body } = message;
    if (body.length > MAX_BYTES)
      return { stored: false, problem: 'refused', detail: `${body.length} bytes are more than ${MAX_BYTES}` };
    const unavailable = (detail: string): Settlement => ({ stored: false, problem: 'unavailable', detail });
    try {
      const words = ['XADD', this.wire.stream(topic), 'NOMKSTREAM', '*', ...this.wire.fields(message)];
      const id = await this.connection.command<string | null>(words);
      return id === null ? unavailable(`the topic ${topic} was not declared`) : { stored: true };
    } catch (error) {
      return unavailable((error as Error).message);
    }
  }
}
