import type { EffectHandler, EventHandler, InboxEntry } from '@order-events/messaging';
import type { Place } from './parts';
import type { Replica } from './replica';
import type { System } from './service';
import type { Domain } from './workspace';

/** A handler of events that throws now and then, as one does that has a bug. */
export function throwing(handler: EventHandler, { around, note }: System, { service, replica }: Place): EventHandler {
  return {
    topic: handler.topic,
    keys: (event) => handler.keys(event),
    decide(rows, event) {
      if (around.faults.throwsOn(`${service} ${event.id}`)) {
        note(replica.name, `throws on ${event.type} ${event.subject}`);
        throw new Error('a bug that will be mended');
      }
      return handler.decide(rows, event);
    },
  };
}

/** A handler that on some events ends its process, as one does that runs out of memory. */
export function killing(
  handler: EventHandler,
  { around, kill, report, isWarned }: System,
  { service, replica, database }: Place,
): EventHandler {
  return {
    topic: handler.topic,
    keys: (event) => handler.keys(event),
    decide(rows, event) {
      if (!around.faults.killsOn(`${service} ${event.id}`)) return handler.decide(rows, event);
      const entry = database.table<InboxEntry>('inbox').get(`${service} ${event.id}`);
      if (isWarned(replica) && entry?.state !== 'retrying')
        report(`${replica.name} dies of ${event.type} ${event.subject}, and nobody has counted that it was tried`);
      kill(replica, `the end of its decision on ${event.type} ${event.subject}`);
      return new Promise(() => {});
    },
  };
}

/** Completes an effect's handler with its call to the simulated outside. */
export function calling(
  answer: Domain['answers'][number],
  { outside, calls }: System,
  replica: Replica,
): EffectHandler {
  const { kind } = answer;
  return {
    kind,
    keys: (input) => answer.keys(input),
    decide: (rows, input, result) => answer.decide(rows, input, result),
    async call(input, { idempotencyKey, attempt, signal }) {
      await replica.step('call', idempotencyKey);
      const call = { kind, key: (input as { order_id: string }).order_id, idempotencyKey, input };
      const running = calls.begin(replica, call, attempt);
      try {
        const result = await outside.call(replica, call, signal);
        calls.answer(running);
        return result;
      } catch (error) {
        calls.fail(running);
        throw error;
      }
    },
  };
}
