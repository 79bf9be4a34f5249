import { events } from '@order-events/contracts';
import { place } from './index';

const items = [
  { product_id: 'pear', quantity: 2, unit_price: 150 },
  { product_id: 'apple', quantity: 3, unit_price: 33 },
  { product_id: 'pear', quantity: 1, unit_price: 150 },
];
const placement = { order_id: 'o1', user_id: 'u1', items, currency: 'EUR' };

test('an order is placed as pending, with its total, its first line of history and its event', () => {
  const { order, history, event } = place(placement, 1_700_000_000);
  expect(order).toMatchObject({ version: 1, status: 'pending', total: 549, placed_at: 1_700_000_000, deadline: null });
  expect(history).toEqual({ order_id: 'o1', version: 1, event: 'order.created', status: 'pending', detail: {} });
  expect(event).toEqual({
    type: 'order.created',
    subject: 'o1',
    sequence: 1,
    data: { ...placement, product_ids: ['pear', 'apple'], timestamp: 1_700_000_000, total: 549 },
  });
});

test('what the customer leaves out is null in the row and absent from the event; what is given goes into both', () => {
  const given = {
    email: 'a@example.com',
    shipping_address: { street: 'Main Street 1', city: 'Springfield' },
    payment_token: 'tok_1',
  };
  const full = place({ ...placement, ...given }, 1);
  expect(full.order).toMatchObject(given);
  expect(full.event.data).toMatchObject(given);

  const bare = place(placement, 1);
  expect(bare.order).toMatchObject({ email: null, shipping_address: null, payment_token: null });
  for (const field of Object.keys(given)) expect(bare.event.data).not.toHaveProperty(field);
});

test('the event satisfies its schema', () => {
  const { event } = place(placement, 1_700_000_000);
  expect(events[event.type].data.parse(event.data)).toEqual(event.data);
});
