import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { lastValueFrom, isObservable } from 'rxjs';
import { isTopic, type CloudEvent, type Topic } from '@order-events/contracts';
import type { Decision, EventHandler, Keys, Tables } from '@order-events/messaging';

/** What `@EventPattern(topic, { keys })` must say beside the topic. */
export interface EventExtras<T extends Tables = Tables, E extends Topic = Topic> {
  keys(event: CloudEvent<E>): Keys<T>;
}

interface Consuming {
  consume(handlers: readonly EventHandler[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Brings `@EventPattern` methods under the pipeline: they are asked for decisions, and awaited; an event is acknowledged
 * when the pipeline has taken it into the inbox, and never because a handler merely returned.
 */
export class EventsStrategy extends Server implements CustomTransportStrategy {
  constructor(private readonly service: Consuming) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    const handlers = [...this.messageHandlers].map(([pattern, handler]) => eventHandler(pattern, handler));
    this.service.consume(handlers).then(() => callback(), callback);
  }

  close(): Promise<void> {
    return this.service.stop();
  }

  on(): never {
    throw new Error('The events strategy has no events of its own; handlers get theirs by @EventPattern.');
  }

  unwrap<R>(): R {
    return this.service as R;
  }
}

function eventHandler(pattern: string, handler: MessageHandler): EventHandler {
  if (!isTopic(pattern))
    throw new Error(
      `@EventPattern('${pattern}') is not a topic of the contracts; take one of libs/contracts/src/events.ts.`,
    );
  if (handler.next)
    throw new Error(`@EventPattern('${pattern}') stands on two methods; a topic has one decision, so make them one.`);
  const extras = handler.extras as Partial<EventExtras> | undefined;
  if (!extras?.keys)
    throw new Error(
      `@EventPattern('${pattern}') must be given { keys }: the rows that it may look at or write, which are locked before it.`,
    );
  return {
    topic: pattern,
    keys: extras.keys,
    decide: async (rows, event) => (await settle(handler(event, rows))) as Decision,
  };
}

/** Nest returns a value, a promise, an observable, or a promise of one; an error thrown by a handler is in the last. */
async function settle(result: unknown): Promise<unknown> {
  const value = await result;
  return isObservable(value) ? lastValueFrom(value) : value;
}
