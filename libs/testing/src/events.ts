import type { CloudEvent, EventData, OrderBody, Topic } from '@order-events/contracts';

/** An order of two apples, by whoever; `more` replaces or adds. */
export function orderBody(order_id: string, more: Partial<OrderBody> = {}): OrderBody {
  return {
    order_id,
    user_id: 'u1',
    product_ids: ['apple'],
    timestamp: 1_700_000_000,
    items: [{ product_id: 'apple', quantity: 2, unit_price: 100 }],
    total: 200,
    currency: 'EUR',
    ...more,
  };
}

/** An event as a handler sees it. */
export function cloudEvent<T extends Topic>(type: T, data: EventData<T>, sequence = 1): CloudEvent<T> {
  const { order_id } = data;
  return {
    id: `${type}.${order_id}.${sequence}`,
    type,
    source: '/test',
    subject: order_id,
    time: '2026-01-01T00:00:00Z',
    dataschema: `urn:order-events:${type}:1`,
    sequence,
    partitionkey: order_id,
    correlationid: order_id,
    data,
  };
}
