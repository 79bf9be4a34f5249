import { addressLines, formatMoney, orderLines } from './order-lines';
import type { Content } from './content';

export function textBody({ heading, paragraphs, order }: Content): string {
  const address = addressLines(order);
  return [
    heading,
    ...paragraphs,
    [
      `Order ${order.order_id}`,
      ...orderLines(order).map(({ quantity, product, price }) => `  ${quantity} x ${product}: ${price}`),
      `  Total: ${formatMoney(order.total, order.currency)}`,
    ].join('\n'),
    ...(address.length > 0 ? [['Shipping to', ...address.map((line) => `  ${line}`)].join('\n')] : []),
  ]
    .join('\n\n')
    .concat('\n');
}
