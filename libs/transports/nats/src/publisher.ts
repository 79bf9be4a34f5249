import type { Message, Settlement } from '@order-events/messaging';
import { ErrorCode, NatsError, type JetStreamClient, type JetStreamPublishOptions } from 'nats';
import { TIMEOUT_MS, type Connection } from './connection';
import { messageId, UnfitMessage, type Wire } from './wire';

/** The stream's own answers that it gives for the message's sake: too large with the headers, or by the stream's limit. */
const REFUSALS = [10_054, 10_097];

/** Publishes a batch at once, each message with a proof of its own: the stream's answer that names the stream. */
export class Publisher {
  constructor(
    private readonly connection: Connection,
    private readonly wire: Wire,
    private readonly stream: string,
  ) {}

  async publish(batch: readonly Message[]): Promise<Settlement[]> {
    const deadline = performance.now() + TIMEOUT_MS;
    try {
      const connection = await this.connection.get(TIMEOUT_MS);
      const jetstream = connection.jetstream();
      const timeout = Math.max(1, deadline - performance.now());
      return await Promise.all(batch.map((message) => this.one(jetstream, message, timeout)));
    } catch (error) {
      return batch.map(() => ({ stored: false, problem: 'unavailable', detail: (error as Error).message }));
    }
  }

  private async one(jetstream: JetStreamClient, message: Message, timeout: number): Promise<Settlement> {
    try {
      const options: Partial<JetStreamPublishOptions> = {
        headers: this.wire.headers(message),
        msgID: messageId(message),
        timeout,
        // Another stream that has the same subject would answer too.
        expect: { streamName: this.stream },
      };
      await jetstream.publish(this.wire.subject(message.topic), message.body, options);
      return { stored: true };
    } catch (error) {
      return unstored(error);
    }
  }
}

/** Why a message was not stored: for its own sake, or for reasons that pass. */
export function unstored(error: unknown): Settlement {
  return {
    stored: false,
    problem: isRefusal(error) ? 'refused' : 'unavailable',
    detail: (error as Error).message,
  };
}

function isRefusal(error: unknown): boolean {
  if (error instanceof UnfitMessage) return true;
  if (!(error instanceof NatsError)) return false;
  return error.code === `${ErrorCode.MaxPayloadExceeded}` || REFUSALS.includes(error.api_error?.err_code ?? 0);
}
