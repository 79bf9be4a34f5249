import { consumedBy } from '@order-events/contracts';
import { assertComplete, assertKept } from './assertions';

const keeping = { name: 'kafka', capabilities: { order: 'none', maxBytes: 1 } } as const;
const fleeting = { name: 'nats', capabilities: { ...keeping.capabilities, fleeting: true } } as const;

test('a transport that keeps nothing carries nothing that is to come at least once', () => {
  expect(() => assertKept(fleeting, ['order.paid'])).toThrow(/nats keeps nothing, so order\.paid cannot/);
  expect(() => assertKept(fleeting, [])).not.toThrow();
  expect(() => assertKept(keeping, ['order.paid'])).not.toThrow();
});

test('a service handles all of its topics and no others', () => {
  const handlers = consumedBy('email').map((topic) => ({ topic }));
  expect(() => assertComplete('email', handlers)).not.toThrow();
  expect(() => assertComplete('email', handlers.slice(1))).toThrow(
    `handlers to add: ${handlers[0]!.topic}; to remove: none`,
  );
  expect(() => assertComplete('email', [...handlers, { topic: 'payment.voided' }])).toThrow(
    'handlers to add: none; to remove: payment.voided',
  );
});
