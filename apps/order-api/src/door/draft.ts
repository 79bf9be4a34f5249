import { EventTooLargeError, type OutboxEntry } from '@order-events/messaging';
import { Problem } from '@order-events/service-kit';
import { place, type Placed, type Placement } from '../domain';
import { encoded } from '../store/apply';
import type { Catalogue } from './sql';
import type { PlaceRequest, Reply, Wish } from './request';

/** All that placing one order would write, and how it would be answered. */
export interface Draft extends Placed {
  request: PlaceRequest;
  entry: OutboxEntry;
  reply: Reply;
}

/** Room for what the later events of an order carry beyond its first: a reason, a carrier, a tracking number. */
const GROWTH_BYTES = 4_096;

/** Prices a wish from the catalogue. Returns a problem where there can be no such order. */
export function draft(request: PlaceRequest, catalogue: Catalogue, maxEventBytes: number): Draft | Problem {
  const priced = price(request.wish, catalogue);
  if (priced instanceof Problem) return priced;
  const { order_id, wish, traceparent } = request;
  const placed = place({ ...wish, order_id, ...priced }, catalogue.now);
  if (!Number.isSafeInteger(placed.order.total)) return refused('total-too-large', 'The total is too large.');
  try {
    const entry = encoded(placed.event, traceparent, maxEventBytes - GROWTH_BYTES);
    return { ...placed, request, entry, reply: reply(placed) };
  } catch (error) {
    if (error instanceof EventTooLargeError) return tooLarge;
    throw error;
  }
}

const tooLarge = new Problem(413, {
  kind: 'order-too-large',
  detail: 'The order is too large for the events that carry it.',
});

export function isDraft(one: Draft | Problem): one is Draft {
  return !(one instanceof Problem);
}

function price({ items }: Wish, { products }: Catalogue): Pick<Placement, 'items' | 'currency'> | Problem {
  const unknown = items.filter(({ product_id }) => !products.has(product_id)).map(({ product_id }) => product_id);
  if (unknown.length > 0) return refused('unknown-product', `There is no product ${unknown.slice(0, 10).join(', ')}.`);
  const lines = items.map((item) => ({ ...item, ...products.get(item.product_id)! }));
  const [currency, ...others] = [...new Set(lines.map((line) => line.currency))];
  if (others.length > 0)
    return refused(
      'mixed-currencies',
      `An order has one currency, and these products are sold in ${currency}, ${others.join(', ')}.`,
    );
  return {
    items: lines.map(({ product_id, quantity, price }) => ({ product_id, quantity, unit_price: price })),
    currency: currency!,
  };
}

function refused(kind: string, detail: string): Problem {
  return new Problem(422, { kind, detail });
}

function reply({ order: { order_id, status, total, currency, placed_at } }: Placed): Reply {
  const body = JSON.stringify({
    order_id,
    status,
    total,
    currency,
    created_at: new Date(placed_at * 1000).toISOString(),
  });
  return { order_id, status: 201, body, replayed: false };
}
