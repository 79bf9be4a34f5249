import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { lastValueFrom, isObservable } from 'rxjs';
import { isRequestName, isTopic, type CloudEvent, type Topic } from '@order-events/contracts';
import type { Decision, EventHandler, Keys, RequestHandler, Tables } from '@order-events/messaging';

/** What `@EventPattern(topic, { keys })` must say beside the topic. */
export interface EventExtras<T extends Tables = Tables, E extends Topic = Topic> {
  keys(event: CloudEvent<E>): Keys<T>;
}

interface Consuming {
  consume(handlers: readonly EventHandler[]): Promise<void>;
  answer(handlers: readonly RequestHandler[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Brings `@EventPattern` methods under the pipeline: they are asked for decisions, and awaited; an event is acknowledged
 * when the pipeline has taken it into the inbox, and never because a handler merely returned. `@MessagePattern` methods
 * answer what other services ask.
 */
export class EventsStrategy extends Server implements CustomTransportStrategy {
  constructor(private readonly service: Consuming) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.start().then(() => callback(), callback);
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

  private async start(): Promise<void> {
    const all = [...this.messageHandlers];
    const events = all.filter(([, { isEventHandler }]) => isEventHandler);
    const requests = all.filter(([, { isEventHandler }]) => !isEventHandler);
    await this.service.consume(events.map(([pattern, handler]) => eventHandler(pattern, handler)));
    if (requests.length > 0)
      await this.service.answer(requests.map(([pattern, handler]) => requestHandler(pattern, handler)));
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

function requestHandler(name: string, handler: MessageHandler): RequestHandler {
  if (!isRequestName(name))
    throw new Error(
      `@MessagePattern('${name}') is no request of the contracts; take one of libs/contracts/src/requests.ts.`,
    );
  return { name, answer: async (data) => settle(handler(data)) };
}

/** Nest returns a value, a promise, an observable, or a promise of one; an error thrown by a handler is in the last. */
async function settle(result: unknown): Promise<unknown> {
  const value = await result;
  return isObservable(value) ? lastValueFrom(value) : value;
}
