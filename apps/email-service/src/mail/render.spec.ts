import type { OrderBody } from '@order-events/contracts';
import type { MailType } from '../domain';
import { formatMoney } from './order-lines';
import { render } from './render';

const order: OrderBody = {
  order_id: 'o-1',
  user_id: 'user_1',
  product_ids: ['prod1', 'prod2'],
  timestamp: 1_790_000_000,
  items: [
    { product_id: 'prod1', quantity: 3, unit_price: 1050 },
    { product_id: 'prod2', quantity: 1, unit_price: 7 },
  ],
  total: 3157,
  currency: 'EUR',
};

const all = {
  received: render({ type: 'received', order }),
  confirmed: render({ type: 'confirmed', order }),
  completed: render({ type: 'completed', order: { ...order, carrier: 'Sandbox Express', tracking_number: 'SBX1' } }),
  cancelled: render({ type: 'cancelled', order: { ...order, reason: 'out_of_stock' } }),
};

test.each(Object.keys(all) as MailType[])(
  'a mail of type "%s" shows the order and its amounts in both bodies',
  (type) => {
    const { subject, text, html } = all[type];
    expect(subject).toContain('o-1');
    for (const body of [text, html]) {
      for (const part of ['o-1', 'prod1', '€31.50', 'prod2', '€0.07', '€31.57']) expect(body).toContain(part);
      expect(body).not.toContain('undefined');
    }
  },
);

test('the four types have four subjects', () => {
  expect(new Set(Object.values(all).map(({ subject }) => subject)).size).toBe(4);
});

test('the parcel that is on its way can be tracked', () => {
  for (const body of [all.completed.text, all.completed.html]) {
    expect(body).toContain('Sandbox Express');
    expect(body).toContain('SBX1');
  }
});

test.each([
  ['customer_request', 'as you asked'],
  ['out_of_stock', 'not everything that you ordered is in stock'],
  ['payment_declined', 'payment was declined'],
  ['capture_failed', 'could not be collected'],
  ['shipment_failed', 'could not have it delivered to the address'],
  ['expired', 'in time'],
] as const)('the reason %s is told in words', (reason, words) => {
  const { text, html } = render({ type: 'cancelled', order: { ...order, reason } });
  for (const body of [text, html]) {
    expect(body).toContain(words);
    expect(body).not.toContain(reason);
  }
});

test('what users wrote becomes neither markup nor lines of ours', () => {
  const { subject, text, html } = render({
    type: 'received',
    order: {
      ...order,
      shipping_address: {
        name: `<script>alert("1")</script> & 'co'`,
        street: 'Main 1\r\nTotal: €0.00\u2028End',
        city: 'Köln',
        postal_code: '50667',
        country: 'DE',
      },
    },
  });
  expect(html).not.toContain('<script');
  expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;co&#39;');
  expect(text).toContain(`  <script>alert("1")</script> & 'co'\n  Main 1 Total: €0.00 End\n  50667 Köln\n  DE\n`);
  expect(subject).not.toContain('script');
});

test('an order without an address shows none', () => {
  for (const body of [all.received.text, all.received.html]) expect(body).not.toContain('Shipping to');
});

test.each([
  [1000, 'EUR', '€10.00'],
  [5, 'USD', '$0.05'],
  [1000, 'JPY', '¥1,000'],
  [1234, 'KWD', 'KWD\u00a01.234'],
  [0, 'EUR', '€0.00'],
  [Number.MAX_SAFE_INTEGER, 'EUR', '€90,071,992,547,409.91'],
])('%d minor units of %s are %s', (amount, currency, written) => {
  expect(formatMoney(amount, currency)).toBe(written);
});
