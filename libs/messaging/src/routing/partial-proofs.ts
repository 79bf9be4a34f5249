import type { Message, Transport } from '../ports/transport';

/** More than the pages of all that publish at the same time. What is forgotten is published once too often. */
const MOST = 10_000;

/**
 * Which transports have proved to hold a message that others have not. It is published again until all have; without
 * this, one that is away for an hour would have the others store it a thousand times.
 */
export class PartialProofs {
  private readonly proved = new Map<string, ReadonlySet<Transport>>();

  /** Those of its route that have not proved to hold it. */
  lacking(message: Message, route: readonly Transport[]): readonly Transport[] {
    const proved = this.proved.get(nameOf(message));
    return proved ? route.filter((transport) => !proved.has(transport)) : route;
  }

  /** Notes that these hold it, too. Without an id nobody could tell it from another. */
  add(message: Message, transports: readonly Transport[]): void {
    if (message.headers['ce-id'] === undefined) return;
    const name = nameOf(message);
    this.proved.set(name, new Set([...(this.proved.get(name) ?? []), ...transports]));
    if (this.proved.size > MOST) this.proved.delete(this.proved.keys().next().value!);
  }

  /** It will not be published again as this message. */
  forget(message: Message): void {
    this.proved.delete(nameOf(message));
  }
}

/** What the delivery audit sends again is another message: a transport may have lost what it had proved. */
const nameOf = ({ headers }: Message) => `${headers['ce-id']} ${headers['ce-resend'] ?? ''}`;
