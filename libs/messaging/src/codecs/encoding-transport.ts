import type {
  Capabilities,
  Message,
  Settlement,
  Subscribe,
  Subscription,
  TopicDeclaration,
  Transport,
} from '../ports/transport';
import { coded, type Coding } from './content';

export interface EncodingTransportOptions {
  transport: Transport;
  coding: Coding;
  /** Bodies of so many bytes were published as so many. */
  onCoded(before: number, after: number): void;
}

/** A transport whose messages go to the broker in another form. Whoever consumes them reads any form anyway. */
export class EncodingTransport implements Transport {
  readonly name: string;
  readonly capabilities: Capabilities;
  private readonly inner: Transport;

  constructor(private readonly options: EncodingTransportOptions) {
    this.inner = options.transport;
    this.name = this.inner.name;
    this.capabilities = this.inner.capabilities;
  }

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    const { coding, onCoded } = this.options;
    const messages = batch.map((message) => coded(message, coding));
    onCoded(bytesOf(batch), bytesOf(messages));
    return this.inner.publish(messages);
  }

  declare(topics: readonly TopicDeclaration[]): Promise<void> {
    return this.inner.declare(topics);
  }

  subscribe(subscribe: Subscribe): Promise<Subscription> {
    return this.inner.subscribe(subscribe);
  }

  isConsumed(group: string): Promise<boolean> {
    return this.inner.isConsumed(group);
  }

  backlog(group: string): Promise<number> {
    return this.inner.backlog(group);
  }

  async release(group: string, processes: readonly string[]): Promise<void> {
    await this.inner.release?.(group, processes);
  }

  ping(): Promise<void> {
    return this.inner.ping();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

const bytesOf = (messages: readonly Message[]) => messages.reduce((sum, { body }) => sum + body.byteLength, 0);
