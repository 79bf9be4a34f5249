import { Controller, Module } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Observable, of } from 'rxjs';
import { pino } from 'pino';
import type { CloudEvent } from '@order-events/contracts';
import type { Decision, EventHandler, RequestHandler, Rows } from '@order-events/messaging';
import { EventService } from '../service/event-service';
import { startNest } from './start';

const keys = ({ subject }: CloudEvent) => ({ things: [subject] });
const decided: Decision = { effects: [{ kind: 'k', key: 'o1', idempotencyKey: 'o1.k', input: {} }] };

@Controller()
class Handlers {
  @EventPattern('order.created', { keys })
  plain(@Payload() event: CloudEvent<'order.created'>, @Ctx() rows: Rows<never>): Decision {
    return { rows: { seen: [{ event, rows }] } };
  }

  @EventPattern('order.paid', { keys })
  promised(): Promise<Decision> {
    return Promise.resolve(decided);
  }

  @EventPattern('order.completed', { keys })
  observed(): Observable<Decision> {
    return of(decided);
  }

  @EventPattern('order.cancelled', { keys })
  broken(): Decision {
    throw new RangeError('too little of it');
  }
}

/** Stands where the machinery stands, and shows what the strategy gives it. */
class FakeService {
  handlers: readonly EventHandler[] = [];
  answering: readonly RequestHandler[] = [];
  stopped = 0;
  consume(handlers: readonly EventHandler[]): Promise<void> {
    this.handlers = handlers;
    return Promise.resolve();
  }
  answer(handlers: readonly RequestHandler[]): Promise<void> {
    this.answering = handlers;
    return Promise.resolve();
  }
  stop(): Promise<void> {
    this.stopped++;
    return Promise.resolve();
  }
  decide(topic: string, event = { subject: 'o1' }, rows = {}) {
    return this.handlers.find((handler) => handler.topic === topic)!.decide(rows, event as unknown as CloudEvent);
  }
}

async function start(controller: new () => object) {
  const service = new FakeService();
  @Module({ controllers: [controller], providers: [{ provide: EventService, useValue: service }] })
  class TestModule {}
  const stop = await startNest(TestModule, pino({ level: 'silent' }));
  return { service, stop };
}

test('methods are consumed by topic, with their keys, and asked with event and rows', async () => {
  const { service, stop } = await start(Handlers);
  expect(service.handlers.map(({ topic }) => topic).sort()).toEqual([
    'order.cancelled',
    'order.completed',
    'order.created',
    'order.paid',
  ]);
  expect(service.handlers[0]!.keys({ subject: 'o7' } as CloudEvent)).toEqual({ things: ['o7'] });
  const rows = { things: new Map() };
  expect(await service.decide('order.created', { subject: 'o1' }, rows)).toEqual({
    rows: { seen: [{ event: { subject: 'o1' }, rows }] },
  });
  await stop();
  expect(service.stopped).toBe(1);
});

test('a promise and an observable are waited for', async () => {
  const { service, stop } = await start(Handlers);
  expect(await service.decide('order.paid')).toEqual(decided);
  expect(await service.decide('order.completed')).toEqual(decided);
  await stop();
});

test('what a handler throws reaches the pipeline as it was thrown', async () => {
  const { service, stop } = await start(Handlers);
  await expect(service.decide('order.cancelled')).rejects.toEqual(new RangeError('too little of it'));
  await stop();
});

test('what other services ask is answered by name, waited for, and refused as it was thrown', async () => {
  @Controller()
  class Answers {
    @MessagePattern('inventory.availability')
    availability(@Payload() { product_id }: { product_id: string }) {
      if (product_id === 'x') throw new RangeError('not x');
      return of({ product_id, available: 1 });
    }
  }
  const { service, stop } = await start(Answers);
  expect(service.handlers).toEqual([]);
  expect(service.answering.map(({ name }) => name)).toEqual(['inventory.availability']);
  const { answer } = service.answering[0]!;
  expect(await answer({ product_id: 'p' })).toEqual({ product_id: 'p', available: 1 });
  await expect(answer({ product_id: 'x' })).rejects.toEqual(new RangeError('not x'));
  await stop();
});

test('refuses a request that the contracts do not know', async () => {
  @Controller()
  class Wrong {
    @MessagePattern('inventory.secrets')
    answer() {
      return {};
    }
  }
  await expect(start(Wrong)).rejects.toThrow(/is no request of the contracts/);
});

test.each([
  ['a pattern that is no topic', 'order.vanished', { keys }, /not a topic/],
  ['a method without keys', 'order.created', {}, /must be given \{ keys \}/],
])('refuses %s', async (_, topic, extras, message) => {
  @Controller()
  class Wrong {
    @EventPattern(topic, extras)
    handle(): Decision {
      return {};
    }
  }
  await expect(start(Wrong)).rejects.toThrow(message);
});

test('refuses two methods for one topic', async () => {
  @Controller()
  class Twice {
    @EventPattern('order.created', { keys })
    one(): Decision {
      return {};
    }
    @EventPattern('order.created', { keys })
    two(): Decision {
      return {};
    }
  }
  await expect(start(Twice)).rejects.toThrow(/two methods/);
});
