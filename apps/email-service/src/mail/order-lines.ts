import type { OrderBody } from '@order-events/contracts';

export interface OrderLine {
  product: string;
  quantity: string;
  price: string;
}

/** The order's items, ready to be shown. */
export function orderLines({ items, currency }: OrderBody): OrderLine[] {
  return items.map(({ product_id, quantity, unit_price }) => ({
    product: product_id,
    quantity: String(quantity),
    price: formatMoney(BigInt(unit_price) * BigInt(quantity), currency),
  }));
}

/** The address line by line; empty when the order has none. */
export function addressLines({ shipping_address: address }: OrderBody): string[] {
  if (!address) return [];
  const city = [address.postal_code, address.city].filter(Boolean).join(' ');
  return [address.name, address.street, city, address.country].filter((line) => line !== undefined).map(onOneLine);
}

/** An amount in minor units as people write it. How many decimals it has is the currency's affair. */
export function formatMoney(amount: number | bigint, currency: string): string {
  const format = formatOf(currency);
  const { maximumFractionDigits } = format.resolvedOptions();
  // As decimal text, because a division would round large amounts.
  return format.format(`${amount}E-${maximumFractionDigits}` as `${number}`);
}

const formats = new Map<string, Intl.NumberFormat>();

/** Making one takes longer than everything else about a mail. */
function formatOf(currency: string): Intl.NumberFormat {
  const format = formats.get(currency) ?? new Intl.NumberFormat('en', { style: 'currency', currency });
  formats.set(currency, format);
  return format;
}

/** What users wrote must not look like lines of ours. */
function onOneLine(line: string): string {
  return line.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
