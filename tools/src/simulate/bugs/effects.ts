import type { EffectHandler, OpenEffect } from '@order-events/messaging';
import { afterwards, but, transactions, type Bug } from './bug';

type Calling = EffectHandler['call'];

export const effectBugs: readonly Bug[] = [
  {
    name: 'effects in another transaction than the rows',
    within: 60,
    parts: {
      store: afterwards((later) => ({
        intend(effects) {
          if (effects.length > 0) later.push((tx) => tx.intend(effects));
          return Promise.resolve();
        },
      })),
    },
  },
  {
    name: 'double capture: another key for every call',
    within: 20,
    parts: calling('gateway.capture', (right) => (input, call) => {
      const idempotencyKey = `${call.idempotencyKey}.${call.attempt}`;
      return right(input, { ...call, idempotencyKey });
    }),
  },
  {
    name: 'mail without Message-ID',
    within: 20,
    parts: calling('mail.send', (right) => {
      let sent = 0;
      return (input, call) => right(input, { ...call, idempotencyKey: `${call.idempotencyKey}.${++sent}` });
    }),
  },
  {
    name: 'effect closed by a time-out',
    within: 20,
    parts: calling(
      'gateway.',
      (right) => (input, call) =>
        right(input, call).catch(() => ({
          outcome: call.idempotencyKey.endsWith('capture') ? 'failed' : 'declined',
          reason: 'timeout',
        })),
    ),
  },
  {
    name: 'a recall that gets no answer is taken for a yes',
    within: 100,
    parts: calling(
      'carrier.recall',
      (right) => (input, call) => right(input, call).catch(() => ({ outcome: 'refused', reason: 'recalled' })),
    ),
  },
  {
    name: 'answer without a look at the state',
    within: 40,
    parts: {
      store: transactions((tx) => ({
        async closeEffects(ids) {
          await tx.closeEffects(ids);
          return new Set(ids);
        },
      })),
      effects: (handlers, { service }) =>
        service !== 'email'
          ? handlers
          : handlers.map((handler) => ({
              ...handler,
              decide(rows, input, answer) {
                const { order_id, type } = input as { order_id: string; type: string };
                const queued = { ...(rows['mails']!.get(order_id) as object), [type]: 'queued' };
                return handler.decide({ mails: new Map([[order_id, queued]]) }, input, answer);
              },
            })),
    },
  },
  {
    name: 'two open effects of one key',
    within: 40,
    parts: {
      store: (store, { database }) =>
        but(store, {
          async claimEffects(...args) {
            const rows = [...database.table<{ effect: OpenEffect }>('effects').values()];
            const keys = new Map(rows.map(({ effect }) => [effect.id, effect.key]));
            // Each effect has its moment under a key of its own.
            for (const { effect } of rows) effect.key = effect.id;
            const claim = store.claimEffects(...args);
            for (const { effect } of rows) effect.key = keys.get(effect.id)!;
            return (await claim).map((effect) => ({ ...effect, key: keys.get(effect.id)! }));
          },
        }),
    },
  },
  {
    name: 'a claim that ends before its call',
    within: 20,
    parts: {
      store: (store) => but(store, { claimEffects: (kinds, limit) => store.claimEffects(kinds, limit, 100) }),
    },
  },
];

/** Makes the calls of some kinds otherwise. */
function calling(kinds: string, change: (right: Calling) => Calling): Bug['parts'] {
  return {
    effects: (handlers) =>
      handlers.map((handler) =>
        handler.kind.startsWith(kinds)
          ? { ...handler, call: change((input, call) => handler.call(input, call)) }
          : handler,
      ),
  };
}
