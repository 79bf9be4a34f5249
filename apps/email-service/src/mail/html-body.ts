import { addressLines, formatMoney, orderLines } from './order-lines';
import type { Content } from './content';

/** Tables and inline styles, because that is what mail programs of all ages show alike. */
export function htmlBody({ heading, paragraphs, order }: Content): string {
  const address = addressLines(order);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(heading)}</title></head>
<body style="margin:0;padding:0;background:#f4f4f5">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0" style="${card}"><tr><td style="padding:32px">
<h1 style="margin:0 0 16px;font-size:20px;font-weight:600">${escape(heading)}</h1>
${paragraphs.map((text) => `<p style="margin:0 0 12px">${escape(text)}</p>`).join('\n')}
<table width="100%" cellpadding="0" cellspacing="0" style="margin-top:20px;border-collapse:collapse">
<tr><th align="left" colspan="3" style="${cell}">Order ${escape(order.order_id)}</th></tr>
${orderLines(order)
  .map(({ product, quantity, price }) => row(product, quantity, price))
  .join('\n')}
<tr><td colspan="2" style="${cell}"><strong>Total</strong></td>\
<td align="right" style="${cell}"><strong>${escape(formatMoney(order.total, order.currency))}</strong></td></tr>
</table>
${address.length > 0 ? `<p style="margin:20px 0 0">Shipping to<br>${address.map(escape).join('<br>')}</p>` : ''}
</td></tr></table>
</td></tr></table>
</body>
</html>
`;
}

const card =
  'width:100%;max-width:560px;background:#ffffff;border:1px solid #e4e4e7;color:#18181b;' +
  'font-family:Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5';
const cell = 'padding:8px 4px;border-bottom:1px solid #e4e4e7';

function row(product: string, quantity: string, price: string): string {
  return (
    `<tr><td style="${cell}">${escape(product)}</td><td align="right" style="${cell}">${escape(quantity)}</td>` +
    `<td align="right" style="${cell}">${escape(price)}</td></tr>`
  );
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
